# What a customer is written.
# $product is the integration, $provider whose key it is, $customer the company as people know it, $site the
# provider with its address, $place the place in the provider's menu. Labels and the line about help are
# those of pages.ftl.

## Subjects: the product, and the title below.

mail-subject = { $product }: { $title }
mail-subject-reminder = { $product }, påminnelse: { $title }
mail-subject-last = { $product }, sista påminnelsen: { $title }

## Titles: a subject has about 70 characters, so they are short.

mail-title-rejected = { $provider } godtar inte längre nyckeln för { $customer }
mail-title-expired = Nyckeln från { $provider } för { $customer } har slutat gälla
mail-title-disconnected = Avstängd i { $provider } för { $customer }
mail-title-permission = Nyckeln från { $provider } för { $customer } saknar en behörighet
mail-title-permission-company = Nyckeln från { $provider } ger inte tillgång till { $customer }
mail-title-wrong-company = Nyckeln för { $customer } hör till ett annat företag i { $provider }
mail-title-leaked = Ta bort nyckeln för { $customer } i { $provider }
mail-title-expiring = Nyckeln från { $provider } för { $customer } slutar gälla om { $days ->
        [one] { $days } dag
       *[other] { $days } dagar
    }
mail-title-link = Den nya länken för { $customer }
mail-title-resolved = { $customer } är ansluten till { $provider } igen

## What happened, and since when. $since is a day with its time, $on a day.

mail-reminder = Det här är en påminnelse: det vi skrev till dig om är fortfarande inte löst.
mail-reminder-last = Det här är den sista påminnelsen: det vi skrev till dig om är fortfarande inte löst. Vi skriver inte om det igen.
mail-what-rejected = { $provider } godtar inte längre nyckeln som ansluter { $customer } till { $product }. Den har troligen tagits bort eller bytts ut där.
mail-what-expired = Nyckeln som ansluter { $customer } till { $product } fungerar inte längre i { $provider }, eftersom den har slutat gälla.
mail-what-disconnected = { $product } är avstängd i { $provider } för { $customer }.
mail-what-permission = Nyckeln som ansluter { $customer } till { $product } fungerar, men den får inte göra allt som { $product } behöver.
mail-what-permission-company = Nyckeln för { $product } fungerar i { $provider }, men den ger inte längre tillgång till { $customer }.
mail-what-wrong-company = Nyckeln som angavs för { $customer } hör till ett annat företag i { $provider }. Därför använder { $product } den inte längre.
mail-what-leaked = Andra kan känna till nyckeln som anslöt { $customer } till { $product }. Därför använder { $product } den inte längre.
mail-what-expiring = Nyckeln som ansluter { $customer } till { $product } slutar gälla { $on }.
mail-what-link = På vår sida begärdes en ny länk för att ansluta { $customer } till { $product }. Här är den.
mail-what-resolved = Anslutningen mellan { $customer } och { $product } fungerar igen.
mail-since = Så har det varit sedan { $since }.
mail-since-leaked = Den har inte använts sedan { $since }.
mail-since-resolved = Anslutningen hade varit bruten sedan { $since }.

## What it means.

mail-means-waiting = Inget av det du har registrerat går förlorat; det väntar tills anslutningen fungerar igen.
mail-means-permission = Så länge det är så saknas en del av uppgifterna från { $provider }. Du behöver ingen ny nyckel.
mail-means-leaked = Först när nyckeln är borttagen i { $provider } kan ingen längre använda den.
mail-means-expiring = Till dess fungerar allt som förut.
mail-means-link = Den gamla nyckeln används tills den nya fungerar.
mail-means-resolved = Det som väntade hämtas automatiskt. Du behöver inte göra något.

## What to do: where there is a button below, which leads to our page.

mail-do-key = Skapa en ny nyckel i { $provider } och ange den på vår sida. Sidan visar varje steg; det tar ungefär en minut.
mail-do-wrong-company = Skapa en nyckel i { $provider } medan { $customer } är valt där, och ange den på vår sida. Sidan visar varje steg; det tar ungefär en minut.
mail-do-permission = Öppna nyckeln i { $provider } och tillåt det som står nedan. Testa sedan anslutningen på vår sida.
mail-do-permission-company = Öppna nyckeln i { $provider } och ge den tillgång till { $customer }. Testa sedan anslutningen på vår sida.
mail-do-disconnected = Slå på { $product } för { $customer } i { $provider }. Testa sedan anslutningen på vår sida.
mail-do-leaked = Ta bort nyckeln som nämns nedan i { $provider }. Skapa sedan en ny och ange den på vår sida, som visar varje steg.
mail-do-expiring = Skapa en ny nyckel i { $provider } före den dagen och ange den på vår sida. Sidan visar varje steg; det tar ungefär en minut.

mail-button-key = Anslut igen
mail-button-test = Testa anslutningen
mail-button-expiring = Byt nyckel
mail-button-link = Öppna sidan
mail-host = Knappen leder till { $host }.
mail-until = Länken fungerar till { $until }, eller tills en nyckel har angetts via den.

## What to do where there is no link.

mail-bare-key = Logga in i { $site }, välj { $customer }, öppna { $place } och skapa en ny nyckel. Logga sedan in i { $product } och ange den i inställningarna.
mail-bare-leaked = Logga in i { $site }, välj { $customer }, öppna { $place } och ta bort nyckeln som nämns nedan. Skapa en ny där, logga in i { $product } och ange den i inställningarna.

## The way without the link.

mail-way = Utan länken
mail-way-key = Logga in i { $site } som vanligt, välj { $customer } och öppna { $place }: där ser du nycklarna och kan skapa en ny. Vår support berättar var den ska anges. Skicka aldrig en nyckel med mejl.
mail-way-permission = Logga in i { $site } som vanligt, välj { $customer }, öppna { $place } och tillåt nyckeln det som nämns här. Vi märker det själva inom några timmar.
mail-way-permission-company = Logga in i { $site } som vanligt, öppna { $place } och ge nyckeln tillgång till { $customer }. Vi märker det själva inom några timmar.
mail-way-disconnected = Logga in i { $site } som vanligt och slå på { $product } för { $customer }. Vi märker det själva inom några timmar.
mail-way-leaked = Logga in i { $site } som vanligt, välj { $customer }, öppna { $place } och ta bort nyckeln. Vår support berättar var en ny ska anges. Skicka aldrig en nyckel med mejl.
mail-place-unknown = den plats där { $provider } har sina API-nycklar

## What happens if nothing is done.

mail-else-waiting = Om inget görs får { $product } fortfarande inga uppgifter från { $provider } för { $customer }.
mail-else-permission = Om inget görs fortsätter den delen av uppgifterna att saknas.
mail-else-leaked = Om inget görs kan den som känner till nyckeln fortsätta att använda den i { $provider }, och { $product } får inga uppgifter därifrån.
mail-else-expiring = Om inget görs får { $product } inga uppgifter från { $provider } för { $customer } från och med den dagen.
mail-else-link = Om ingen hos er har begärt den behöver du inte göra något.
mail-decline = Om ni inte längre använder { $product } kan du säga det på samma sida; då slutar vi skriva.

mail-whom = Du får det här mejlet eftersom { $product } har din adress för { $customer }.
