# What a customer reads on the pages on which a key is given.
# $product is the integration, $provider whose key it is, $customer the company as people know it,
# $place the place in the provider's menu.

page-lang-dir = ltr

## Headings: the first thing that is read, and the title of the tab.

page-title-new = Anslut { $product } till { $provider }
page-title-reconnect = Anslut { $product } till { $provider } igen
page-title-permission = { $product } behöver en behörighet i { $provider }
page-title-wish = Byt nyckel för { $product }
page-title-connected = Anslutningen är klar
page-title-confirm = Är det rätt företag?
page-title-declined = Anslutningen till { $product } är avslutad
page-title-ended-used = Den här länken har använts
page-title-ended-expired = Den här länken är för gammal
page-title-ended-revoked = Den här länken behövs inte längre
page-title-ended-works = Allt fungerar
page-title-missing = Öppna länken en gång till
page-title-refused = Sidan kunde inte användas
page-title-busy = Vänta ett ögonblick
page-title-ours = Något gick fel hos oss
page-title-elsewhere = Nyckeln anges i { $product }
page-problem = Ingen anslutning än: { $title }

## Why, in one or two sentences. $since is a day.

page-why-new = { $product } hämtar uppgifter för { $customer } från { $provider }. Det kräver en nyckel som du skapar i { $provider }.
page-why-wish = Anslutningen för { $customer } har en nyckel. Här kan du ersätta den med en ny; den gamla används tills den nya fungerar.
page-why-rejected = Sedan { $since } godtar { $provider } inte längre nyckeln som ansluter { $customer } till { $product }. Den har troligen tagits bort eller bytts ut. Inget av det du har registrerat går förlorat; det väntar tills anslutningen fungerar igen.
page-why-expired = Sedan { $since } fungerar nyckeln som ansluter { $customer } till { $product } inte längre, eftersom den har slutat gälla. Inget av det du har registrerat går förlorat; det väntar tills anslutningen fungerar igen.
page-why-never-accepted = { $provider } har hittills inte godtagit nyckeln som angavs för { $customer }, så det finns ingen anslutning till { $product } än.
page-why-disconnected = Sedan { $since } har { $product } varit avstängd i { $provider } för { $customer }. Inget av det du har registrerat går förlorat; det väntar tills anslutningen fungerar igen.
page-why-permission = Nyckeln för { $customer } fungerar, men sedan { $since } får den inte göra allt som { $product } behöver. Du behöver ingen ny nyckel.
page-why-permission-company = Nyckeln fungerar, men sedan { $since } ger den inte längre tillgång till { $customer }.
page-why-wrong-company = Nyckeln som angavs för { $customer } hör till ett annat företag. Därför har { $product } inte använt den sedan { $since }.
page-why-leaked = Andra kan känna till nyckeln som anslöt { $customer } till { $product }. { $product } har inte använt den sedan { $since }. Ta bort den i { $provider } och skapa en ny.
page-why-declined = Vi fick { $since } veta att { $customer } inte längre använder { $product }. Med en ny nyckel fungerar anslutningen igen.

page-company = Företag
page-company-id = Företagets nummer i { $provider }
page-key-now = Nyckel
page-key-none = ingen
page-key-ending = slutar på { $tail }

## What to do.

page-steps = Gör så här
page-step-open = Logga in i { $provider } och välj { $customer }.
page-step-place = Öppna { $place }.
page-step-place-unknown = Öppna den plats där { $provider } har sina API-nycklar.
page-step-delete = Ta bort nyckeln som { $ending }.
page-step-make-integrated = Skapa en nyckel för { $product }.
page-step-make-standalone = Skapa en ny nyckel för { $product }, välj ett datum då den slutar gälla och tillåt det som står nedan.
page-step-copy = Kopiera hela nyckeln. { $provider } visar den bara en gång.
page-step-paste = Klistra in den nedan och tryck på ”{ $button }”.
page-step-grant = Öppna nyckeln som { $ending } och tillåt det som står nedan.
page-step-grant-company = Öppna nyckeln som { $ending } och ge den tillgång till { $customer }.
page-step-grant-any = Öppna nyckeln för { $product } och tillåt det som står nedan.
page-step-grant-company-any = Öppna nyckeln för { $product } och ge den tillgång till { $customer }.
page-step-switch-on = Slå på { $product } för { $customer }.
page-step-test = Kom tillbaka till den här sidan och tryck på ”{ $button }”.
page-open-keys = Öppna { $provider }
page-new-tab = öppnas i en ny flik
page-scopes = Det här ska nyckeln få göra
page-scopes-more = En nyckel som får göra mer fungerar också; en som bara får göra det här är säkrare.

page-field-key = Nyckel från { $provider } (hemlig)
page-field-key-help = Den skickas krypterad till oss en gång och visas aldrig igen för någon. Mellanslag och citattecken som följer med spelar ingen roll.
page-field-expires = Dagen då nyckeln slutar gälla (om den gör det)
page-field-expires-help = { $provider } talar inte om det för oss. Med datumet kan vi påminna dig i tid.
page-button-try = Spara och testa
page-button-again = Testa igen
page-testing = Testar hos { $provider } …
page-safe = Om den nya nyckeln inte fungerar ändras ingenting.
page-safe-new = Ingenting ansluts förrän nyckeln fungerar.
page-give-key = Ange en annan nyckel i stället

## How a try came out.

page-said-lacking = Nyckeln fungerar, men behörigheten saknas fortfarande. Ingenting har ändrats.
page-said-lacking-step = Det kan ta en minut i { $provider }. Kontrollera att det som står nedan är tillåtet och tryck sedan på ”{ $button }”.
page-said-once-more = Nyckeln fungerar igen. Vi frågar { $provider } en gång till om en minut; sedan är anslutningen tillbaka av sig själv.
page-said-no-answer = Vi kunde inte nå { $provider }. Det säger ingenting om nyckeln, och ingenting har ändrats.
page-said-no-answer-again = Försök igen om några minuter.
page-said-no-answer-pasted = Behåll nyckeln och försök igen om några minuter. Du behöver klistra in den en gång till, eftersom vi inte har sparat den.
page-said-given-up = Ingen svarade ja i tid, så nyckeln togs inte i bruk. Ingenting har ändrats.
page-said-given-up-step = Klistra in nyckeln en gång till.
page-said-no = Nyckeln togs inte i bruk. Ingenting har ändrats.
page-said-no-step = Välj rätt företag i { $provider }, kopiera företagets nyckel och klistra in den på den här sidan.
page-said-ours = Det lyckades inte, och orsaken ligger hos oss. Ingenting har ändrats.
page-said-ours-step = Behåll nyckeln och försök igen om några minuter. Om det händer igen, skriv till vår support.
page-refused-day = Den valda dagen ligger inte i framtiden. Ingenting har ändrats.
page-refused-day-next = Välj dagen då nyckeln slutar gälla, eller lämna fältet tomt, och klistra in nyckeln en gång till.
page-wait = För att skydda nyckeln är nästa försök möjligt först från { $time }.

## A company to be confirmed.

page-confirm = Nyckeln fungerar. Den hör till det här företaget i { $provider }:
page-confirm-for = Du håller på att ansluta { $customer } till { $product }.
page-confirm-question = Är det samma företag?
page-confirm-unchanged = Ingenting ansluts förrän du svarar ja.
page-button-yes = Ja, anslut det
page-button-no = Nej, det är ett annat

## It worked.

page-connected = Anslutningen mellan { $customer } och { $product } fungerar.
page-connected-next = Det finns inget mer att göra. Det som väntade hämtas automatiskt.
page-return = Tillbaka till { $provider }
page-close = Du kan stänga den här sidan.

## Other ways.

page-colleague = Jag får inte göra det här i { $provider }
page-colleague-help = Skicka det här till en kollega som får göra det. Länken fungerar för alla som har den, så skicka den bara till den personen.
page-colleague-text =
    Hej,
    { $product } behöver en ny nyckel från { $provider } för { $customer }. Jag får inte skapa en där; kan du göra det? Den här sidan visar hur, och det tar ungefär en minut:
    { $link }
page-colleague-text-grant =
    Hej,
    { $product } saknar en behörighet i { $provider } för { $customer }. Jag får inte ge den; kan du göra det? Den här sidan visar hur, det tar ungefär en minut:
    { $link }
page-colleague-copy = Text att kopiera
page-decline = Vi använder inte längre { $product }
page-decline-help = Vi slutar fråga { $provider } och slutar påminna dig. Nyckeln används inte mer. Ta också bort den i { $provider }, så att ingen längre kan använda den.
page-button-decline = Avsluta för { $customer }
page-declined = Nu är det avslutat. { $product } använder inte längre nyckeln för { $customer }, och du får inga fler påminnelser.
page-declined-delete = Ta bort nyckeln i { $provider } under { $place }, så att ingen längre kan använda den.
page-declined-back = Om det var ett misstag, be vår support om en ny länk.

## A link that leads nowhere any more.

page-ended-used = En nyckel har redan angetts via länken, och länken fungerar bara en gång.
page-ended-expired = För din säkerhet fungerar en länk bara en tid.
page-ended-revoked = Anslutningen har återställts på annat sätt, eller så har en nyare länk skickats.
page-ended-works = Anslutningen mellan { $customer } och { $product } fungerar. Du behöver inte göra något.
page-renew = Ska vi skicka en ny länk till adressen som vi har för { $customer }?
page-button-renew = Skicka en ny länk
page-renewed = Om vi har en adress för { $customer } är en ny länk på väg till den.
page-missing = Vi kunde inte se vilken länk du använde. Öppna länken i ditt mejl en gång till i den här webbläsaren och tillåt sidan att spara en cookie i några timmar.
page-refused = Formuläret kom inte från den här sidan. Öppna länken i ditt mejl en gång till.
page-busy = Det har varit väldigt många besök från ditt nätverk på kort tid. Vänta en minut och läs in sidan igen.
page-ours = Vi kunde inte slå upp det just nu. Ingenting har ändrats. Läs in sidan igen om en minut.
page-elsewhere = Nycklar för { $customer } anges direkt i { $product }. Logga in där för att gå vidare.
page-elsewhere-open = Öppna { $product }

## Help.

page-help-support = Om du kör fast hjälper vi gärna till:
page-reference = Referens: { $reference }
page-powered = Anslutningen övervakas av keypulse
