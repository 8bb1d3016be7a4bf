# What a customer reads on the pages on which a key is given.
# $product is the integration, $provider whose key it is, $customer the company as people know it,
# $place the place in the provider's menu.

page-lang-dir = ltr

## Headings: the first thing that is read, and the title of the tab.

page-title-new = Forbind { $product } med { $provider }
page-title-reconnect = Forbind { $product } med { $provider } igen
page-title-permission = { $product } har brug for en tilladelse i { $provider }
page-title-wish = Udskift nøglen til { $product }
page-title-connected = Forbundet
page-title-confirm = Er det den rigtige virksomhed?
page-title-declined = { $product } er ikke længere forbundet
page-title-ended-used = Dette link er brugt
page-title-ended-expired = Dette link er for gammelt
page-title-ended-revoked = Dette link er ikke længere nødvendigt
page-title-ended-works = Alt virker
page-title-missing = Åbn linket en gang til
page-title-refused = Siden kunne ikke bruges
page-title-busy = Vent et øjeblik
page-title-ours = Noget gik galt hos os
page-title-elsewhere = Nøglen indtastes i { $product }
page-problem = Ikke forbundet endnu: { $title }

## Why, in one or two sentences. $since is a day.

page-why-new = { $product } henter data for { $customer } fra { $provider }. Det kræver en nøgle, som du opretter i { $provider }.
page-why-wish = Forbindelsen for { $customer } har en nøgle. Her kan du sætte en ny i stedet; den gamle bruges, indtil den nye virker.
page-why-rejected = Siden { $since } godtager { $provider } ikke længere den nøgle, der forbinder { $customer } med { $product }. Den er sandsynligvis slettet eller udskiftet. Intet af det, du har registreret, går tabt; det venter, til forbindelsen virker igen.
page-why-expired = Siden { $since } virker den nøgle, der forbinder { $customer } med { $product }, ikke længere, fordi den er udløbet. Intet af det, du har registreret, går tabt; det venter, til forbindelsen virker igen.
page-why-never-accepted = { $provider } har indtil nu ikke godtaget den nøgle, der blev indtastet for { $customer }, så { $product } er ikke forbundet endnu.
page-why-disconnected = Siden { $since } har { $product } været slået fra i { $provider } for { $customer }. Intet af det, du har registreret, går tabt; det venter, til forbindelsen virker igen.
page-why-permission = Nøglen for { $customer } virker, men siden { $since } har den ikke lov til alt det, som { $product } har brug for. Du behøver ikke en ny nøgle.
page-why-permission-company = Nøglen virker, men siden { $since } giver den ikke længere adgang til { $customer }.
page-why-wrong-company = Den nøgle, der blev indtastet for { $customer }, hører til en anden virksomhed. Derfor har { $product } ikke brugt den siden { $since }.
page-why-leaked = Andre kender måske den nøgle, der forbandt { $customer } med { $product }. { $product } har ikke brugt den siden { $since }. Slet den i { $provider }, og opret en ny.
page-why-declined = Vi fik { $since } at vide, at { $customer } ikke længere bruger { $product }. Med en ny nøgle bliver forbindelsen oprettet igen.

page-company = Virksomhed
page-company-id = Virksomhedens nummer i { $provider }
page-key-now = Nøgle
page-key-none = ingen
page-key-ending = ender på { $tail }

## What to do.

page-steps = Sådan gør du
page-step-open = Log ind i { $provider }, og vælg { $customer }.
page-step-place = Åbn { $place }.
page-step-place-unknown = Åbn det sted, hvor { $provider } har sine API-nøgler.
page-step-delete = Slet den nøgle, der { $ending }.
page-step-make-integrated = Opret en nøgle til { $product }.
page-step-make-standalone = Opret en ny nøgle til { $product }, vælg en udløbsdato, og tillad det, der står herunder.
page-step-copy = Kopiér hele nøglen. { $provider } viser den kun én gang.
page-step-paste = Indsæt den herunder, og tryk på »{ $button }«.
page-step-grant = Åbn den nøgle, der { $ending }, og tillad det, der står herunder.
page-step-grant-company = Åbn den nøgle, der { $ending }, og giv den adgang til { $customer }.
page-step-grant-any = Åbn nøglen til { $product }, og tillad det, der står herunder.
page-step-grant-company-any = Åbn nøglen til { $product }, og giv den adgang til { $customer }.
page-step-switch-on = Slå { $product } til for { $customer }.
page-step-test = Kom tilbage til denne side, og tryk på »{ $button }«.
page-open-keys = Åbn { $provider }
page-new-tab = åbner i en ny fane
page-scopes = Det skal nøglen have lov til
page-scopes-more = En nøgle, der må mere, virker også; en, der kun må dette, er sikrere.

page-field-key = Nøgle fra { $provider } (hemmelig)
page-field-key-help = Den sendes krypteret til os én gang og vises aldrig igen for nogen. Mellemrum og anførselstegn, der kommer med, gør ingen skade.
page-field-expires = Den dag, nøglen udløber (hvis den gør)
page-field-expires-help = { $provider } fortæller os det ikke. Med datoen kan vi minde dig om det i tide.
page-button-try = Gem og test
page-button-again = Test igen
page-testing = Tester hos { $provider } …
page-safe = Hvis den nye nøgle ikke virker, ændres intet.
page-safe-new = Intet er forbundet, før nøglen virker.
page-give-key = Indtast en anden nøgle i stedet

## How a try came out.

page-said-lacking = Nøglen virker, men tilladelsen mangler stadig. Intet er ændret.
page-said-lacking-step = Det kan tage et minut i { $provider }. Se efter, om det, der står herunder, er tilladt, og tryk så på »{ $button }«.
page-said-once-more = Nøglen virker igen. Vi spørger { $provider } en gang til om et minut; derefter er forbindelsen tilbage af sig selv.
page-said-no-answer = Vi kunne ikke få kontakt med { $provider }. Det siger intet om nøglen, og intet er ændret.
page-said-no-answer-again = Prøv igen om nogle få minutter.
page-said-no-answer-pasted = Behold nøglen, og prøv igen om nogle få minutter. Du skal indsætte den en gang til, for vi har ikke gemt den.
page-said-given-up = Ingen svarede ja i tide, så nøglen blev ikke taget i brug. Intet er ændret.
page-said-given-up-step = Indsæt nøglen en gang til.
page-said-no = Nøglen blev ikke taget i brug. Intet er ændret.
page-said-no-step = Vælg den rigtige virksomhed i { $provider }, kopiér virksomhedens nøgle, og indsæt den her.
page-said-ours = Det lykkedes ikke, og årsagen ligger hos os. Intet er ændret.
page-said-ours-step = Behold nøglen, og prøv igen om nogle få minutter. Sker det igen, så skriv til vores support.
page-refused-day = Den valgte dag ligger ikke i fremtiden. Intet er ændret.
page-refused-day-next = Vælg den dag, nøglen udløber, eller lad feltet være tomt, og indsæt nøglen en gang til.
page-wait = For at beskytte nøglen er det næste forsøg først muligt fra { $time }.

## A company to be confirmed.

page-confirm = Nøglen virker. Den hører til denne virksomhed i { $provider }:
page-confirm-for = Du er ved at forbinde { $customer } med { $product }.
page-confirm-question = Er det den samme virksomhed?
page-confirm-unchanged = Intet er forbundet, før du siger ja.
page-button-yes = Ja, forbind den
page-button-no = Nej, det er en anden

## It worked.

page-connected = { $customer } er forbundet med { $product }.
page-connected-next = Der er ikke mere at gøre. Det, der ventede, bliver hentet automatisk.
page-return = Tilbage til { $provider }
page-close = Du kan lukke denne side.

## Other ways.

page-colleague = Jeg må ikke gøre det i { $provider }
page-colleague-help = Send dette til en kollega, der må gøre det. Linket virker for enhver, der har det, så send det kun til den ene person.
page-colleague-text =
    Hej
    { $product } har brug for en ny nøgle fra { $provider } til { $customer }. Jeg må ikke oprette en dér; vil du gøre det? Siden her viser hvordan, og det tager cirka et minut:
    { $link }
page-colleague-text-grant =
    Hej
    { $product } mangler en tilladelse i { $provider } for { $customer }. Jeg må ikke give den; vil du gøre det? Siden her viser hvordan, det tager cirka et minut:
    { $link }
page-colleague-copy = Tekst til at kopiere
page-decline = Vi bruger ikke længere { $product }
page-decline-help = Vi holder op med at spørge { $provider } og med at sende dig påmindelser. Nøglen bliver ikke brugt mere. Slet den også i { $provider }, så ingen længere kan bruge den.
page-button-decline = Stop for { $customer }
page-declined = Vi er stoppet. { $product } bruger ikke længere nøglen for { $customer }, og du får ikke flere påmindelser.
page-declined-delete = Slet nøglen i { $provider } under { $place }, så ingen længere kan bruge den.
page-declined-back = Hvis det var en fejl, så bed vores support om et nyt link.

## A link that leads nowhere any more.

page-ended-used = Der er allerede indtastet en nøgle via linket, og linket virker kun én gang.
page-ended-expired = For din sikkerhed virker et link kun i et stykke tid.
page-ended-revoked = Forbindelsen er genoprettet på en anden måde, eller der er sendt et nyere link.
page-ended-works = { $customer } er forbundet med { $product }. Du behøver ikke gøre noget.
page-renew = Skal vi sende et nyt link til den adresse, vi har for { $customer }?
page-button-renew = Send et nyt link
page-renewed = Hvis vi har en adresse for { $customer }, er et nyt link på vej til den.
page-missing = Vi kunne ikke se, hvilket link du brugte. Åbn linket i din mail en gang til i denne browser, og tillad siden at gemme en cookie i nogle timer.
page-refused = Formularen kom ikke fra denne side. Åbn linket i din mail en gang til.
page-busy = Der har været meget mange besøg fra dit netværk på kort tid. Vent et minut, og indlæs siden igen.
page-ours = Vi kunne ikke slå det op lige nu. Intet er ændret. Indlæs siden igen om et minut.
page-elsewhere = Nøgler for { $customer } indtastes direkte i { $product }. Log ind dér for at komme videre.
page-elsewhere-open = Åbn { $product }

## Help.

page-help-support = Hvis du går i stå, hjælper vi gerne:
page-reference = Reference: { $reference }
page-powered = Forbindelsen overvåges af keypulse
