# What a customer is written.
# $product is the integration, $provider whose key it is, $customer the company as people know it, $site the
# provider with its address, $place the place in the provider's menu. Labels and the line about help are
# those of pages.ftl.

## Subjects: the product, and the title below.

mail-subject = { $product }: { $title }
mail-subject-reminder = { $product }, påmindelse: { $title }
mail-subject-last = { $product }, sidste påmindelse: { $title }

## Titles: a subject has about 70 characters, so they are short.

mail-title-rejected = { $provider } godtager ikke længere nøglen for { $customer }
mail-title-expired = Nøglen fra { $provider } for { $customer } er udløbet
mail-title-disconnected = Slået fra i { $provider } for { $customer }
mail-title-permission = Nøglen fra { $provider } for { $customer } mangler en tilladelse
mail-title-permission-company = Nøglen fra { $provider } giver ikke adgang til { $customer }
mail-title-wrong-company = Nøglen for { $customer } hører til en anden virksomhed i { $provider }
mail-title-leaked = Slet nøglen for { $customer } i { $provider }
mail-title-expiring = Nøglen fra { $provider } for { $customer } udløber om { $days ->
        [one] { $days } dag
       *[other] { $days } dage
    }
mail-title-link = Det nye link for { $customer }
mail-title-resolved = { $customer } er forbundet med { $provider } igen

## What happened, and since when. $since is a day with its time, $on a day.

mail-reminder = Dette er en påmindelse: Det, vi skrev til dig om, er stadig ikke løst.
mail-reminder-last = Dette er den sidste påmindelse: Det, vi skrev til dig om, er stadig ikke løst. Vi skriver ikke om det igen.
mail-what-rejected = { $provider } godtager ikke længere den nøgle, der forbinder { $customer } med { $product }. Den er sandsynligvis slettet eller udskiftet dér.
mail-what-expired = Den nøgle, der forbinder { $customer } med { $product }, virker ikke længere i { $provider }, fordi den er udløbet.
mail-what-disconnected = { $product } er slået fra i { $provider } for { $customer }.
mail-what-permission = Den nøgle, der forbinder { $customer } med { $product }, virker, men den har ikke lov til alt det, som { $product } har brug for.
mail-what-permission-company = Nøglen til { $product } virker i { $provider }, men den giver ikke længere adgang til { $customer }.
mail-what-wrong-company = Den nøgle, der blev indtastet for { $customer }, hører til en anden virksomhed i { $provider }. Derfor bruger { $product } den ikke længere.
mail-what-leaked = Andre kender måske den nøgle, der forbandt { $customer } med { $product }. Derfor bruger { $product } den ikke længere.
mail-what-expiring = Den nøgle, der forbinder { $customer } med { $product }, udløber { $on }.
mail-what-link = På vores side blev der bedt om et nyt link for at forbinde { $customer } med { $product }. Her er det.
mail-what-resolved = { $customer } er forbundet med { $product } igen.
mail-since = Sådan har det været siden { $since }.
mail-since-leaked = Den har ikke været brugt siden { $since }.
mail-since-resolved = Forbindelsen havde været afbrudt siden { $since }.

## What it means.

mail-means-waiting = Intet af det, du har registreret, går tabt; det venter, til forbindelsen virker igen.
mail-means-permission = Så længe det er sådan, mangler en del af dataene fra { $provider }. Du behøver ikke en ny nøgle.
mail-means-leaked = Kun når nøglen er slettet i { $provider }, kan ingen længere bruge den.
mail-means-expiring = Indtil da virker alt som før.
mail-means-link = Den gamle nøgle bruges, indtil den nye virker.
mail-means-resolved = Det, der ventede, bliver hentet automatisk. Du behøver ikke gøre noget.

## What to do: where there is a button below, which leads to our page.

mail-do-key = Opret en ny nøgle i { $provider }, og indtast den på vores side. Siden viser hvert trin; det tager cirka et minut.
mail-do-wrong-company = Opret en nøgle i { $provider }, mens { $customer } er valgt dér, og indtast den på vores side. Siden viser hvert trin; det tager cirka et minut.
mail-do-permission = Åbn nøglen i { $provider }, og tillad det, der står herunder. Test så forbindelsen på vores side.
mail-do-permission-company = Åbn nøglen i { $provider }, og giv den adgang til { $customer }. Test så forbindelsen på vores side.
mail-do-disconnected = Slå { $product } til for { $customer } i { $provider }. Test så forbindelsen på vores side.
mail-do-leaked = Slet den nøgle, der er nævnt herunder, i { $provider }. Opret så en ny, og indtast den på vores side, som viser hvert trin.
mail-do-expiring = Opret en ny nøgle i { $provider } inden den dag, og indtast den på vores side. Siden viser hvert trin; det tager cirka et minut.

mail-button-key = Forbind igen
mail-button-test = Test forbindelsen
mail-button-expiring = Udskift nøglen
mail-button-link = Åbn siden
mail-host = Knappen fører til { $host }.
mail-until = Linket virker til { $until }, eller indtil der er indtastet en nøgle via det.

## What to do where there is no link.

mail-bare-key = Log ind i { $site }, vælg { $customer }, åbn { $place }, og opret en ny nøgle. Log så ind i { $product }, og indtast den i indstillingerne.
mail-bare-leaked = Log ind i { $site }, vælg { $customer }, åbn { $place }, og slet den nøgle, der er nævnt herunder. Opret en ny dér, log ind i { $product }, og indtast den i indstillingerne.

## The way without the link.

mail-way = Uden linket
mail-way-key = Log ind i { $site }, som du plejer, vælg { $customer }, og åbn { $place }: Der kan du se nøglerne og oprette en ny. Vores support fortæller dig, hvor den skal indtastes. Send aldrig en nøgle med mail.
mail-way-permission = Log ind i { $site }, som du plejer, vælg { $customer }, åbn { $place }, og giv nøglen lov til det, der er nævnt her. Vi opdager det selv inden for nogle timer.
mail-way-permission-company = Log ind i { $site }, som du plejer, åbn { $place }, og giv nøglen adgang til { $customer }. Vi opdager det selv inden for nogle timer.
mail-way-disconnected = Log ind i { $site }, som du plejer, og slå { $product } til for { $customer }. Vi opdager det selv inden for nogle timer.
mail-way-leaked = Log ind i { $site }, som du plejer, vælg { $customer }, åbn { $place }, og slet nøglen. Vores support fortæller dig, hvor en ny skal indtastes. Send aldrig en nøgle med mail.
mail-place-unknown = det sted, hvor { $provider } har sine API-nøgler

## What happens if nothing is done.

mail-else-waiting = Hvis der ikke gøres noget, får { $product } fortsat ingen data fra { $provider } for { $customer }.
mail-else-permission = Hvis der ikke gøres noget, mangler den del af dataene fortsat.
mail-else-leaked = Hvis der ikke gøres noget, kan den, der kender nøglen, fortsat bruge den i { $provider }, og { $product } får ingen data derfra.
mail-else-expiring = Hvis der ikke gøres noget, får { $product } ingen data fra { $provider } for { $customer } fra den dag.
mail-else-link = Hvis ingen hos jer har bedt om det, behøver du ikke gøre noget.
mail-decline = Hvis I ikke længere bruger { $product }, kan du sige det på samme side; så holder vi op med at skrive.

mail-whom = Du får denne mail, fordi { $product } har din adresse for { $customer }.
