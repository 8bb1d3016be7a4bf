# See en/refusals.ftl for what the variables are.

-unchanged = Ingenting har ändrats.
-untested = Det säger ingenting om nyckeln.

refusal-open = { $named ->
    [no] Öppna API-nycklarna i { $provider }
   *[yes] Öppna { $place } i { $provider }
}
refusal-look = { $prefixed ->
    [no] en nyckel är ett enda långt ord
   *[yes] en nyckel är ett enda långt ord, som ofta börjar med { $prefixes }
}
refusal-copy-again = { refusal-open }, kopiera nyckeln igen och klistra in bara den här.
refusal-try-later = Behåll nyckeln och försök igen om några minuter.

refusal-key-empty = Ingen nyckel angavs. { -unchanged }
refusal-key-empty-next = { refusal-open }, kopiera nyckeln och klistra in den här.

refusal-key-too-long = Det här är längre än någon nyckel. Något annat kan ha kopierats med. { -unchanged }
refusal-key-too-long-next = { refusal-copy-again }

refusal-key-white-space = En nyckel är ett enda ord, och här finns ett mellanslag eller en radbrytning inuti. Något annat kan ha kopierats med. { -unchanged }
refusal-key-white-space-next = { refusal-copy-again }

refusal-key-control = Det här innehåller ett tecken som ingen nyckel har. { -unchanged }
refusal-key-control-next = { refusal-copy-again }

refusal-key-not-ascii = Det här innehåller bokstäver som ingen nyckel har. Något annat kan ha kopierats med. { -unchanged }
refusal-key-not-ascii-next = { refusal-copy-again }

refusal-key-colon = Det här innehåller ett kolon, och det har ingen nyckel. Nyckelns namn eller en adress kan ha kopierats med. { -unchanged }
refusal-key-colon-next = { refusal-copy-again }

refusal-key-scheme = Framför nyckeln står ett ord som inte hör till den. { -unchanged }
refusal-key-scheme-next = { refusal-copy-again }

refusal-key-token = Det här är en inloggningstoken och inte en API-nyckel. { -unchanged }
refusal-key-token-next = { refusal-copy-again }

refusal-key-address = Det här är adressen till en sida och inte en nyckel. { -unchanged }
refusal-key-address-next = { refusal-copy-again }

refusal-key-rejected = { $provider } godtog inte den här nyckeln. Kanske kopierades bara en del av den: { refusal-look }. { -unchanged }
refusal-key-rejected-next = { refusal-open } och kopiera hela nyckeln igen; om den inte längre visas, skapa en ny.

refusal-same-dead-key = Det här är nyckeln som angavs tidigare, och { $provider } godtar den inte. { -unchanged }
refusal-same-dead-key-next = { refusal-open }, skapa en ny nyckel och klistra in den här.

refusal-other-company = Den här nyckeln hör till ett annat företag, { $found }. Anslutningen gäller { $customer } ({ $company }). { -unchanged }
refusal-other-company-next = { refusal-open } medan { $customer } är valt och kopiera nyckeln där.

refusal-company-not-said = Den här nyckeln hör till en organisation i { $provider }, som kan ha flera företag. Det går inte att veta vilket av dem som avses. { -unchanged }
refusal-company-not-said-next = Ange vilket företag anslutningen gäller och ange sedan nyckeln igen.

refusal-company-out-of-reach = Den här nyckeln fungerar, men ger inte tillgång till { $customer } ({ $company }). { -unchanged }
refusal-company-out-of-reach-next = { refusal-open } och ge nyckeln tillgång till { $customer }, eller skapa en nyckel för { $customer }.

refusal-missing-scopes = Den här nyckeln fungerar, men saknar behörigheter som behövs: { $missing }. { -unchanged }
refusal-missing-scopes-next = { refusal-open }, tillåt { $missing } för den här nyckeln och ange den igen. Om det inte går att ändra, skapa en nyckel som har dem.

refusal-other-client = Den här nyckeln fungerar, men skapades för en annan integration. { -unchanged }
refusal-other-client-next = { refusal-open } och kopiera nyckeln som skapades för den här integrationen.

refusal-not-an-api-key = { $provider } uppfattar inte det här som en API-nyckel, utan som en inloggning. { -unchanged }
refusal-not-an-api-key-next = { refusal-open }, skapa en API-nyckel och klistra in den här.

refusal-installation-disconnected = Den här nyckeln fungerar, men integrationen är avstängd i { $provider }. { -unchanged }
refusal-installation-disconnected-next = Slå på integrationen i { $provider } och ange sedan nyckeln igen.

refusal-key-of-another-tenant = Den här nyckeln används redan för en annan anslutning; varje anslutning behöver en egen. { -unchanged }
refusal-key-of-another-tenant-next = { refusal-open }, skapa en nyckel för { $customer } och klistra in den här.

refusal-key-kept-elsewhere = Nycklar för den här anslutningen anges i själva integrationen, inte här. { -unchanged }
refusal-key-kept-elsewhere-next = Logga in i integrationen och ange nyckeln där.

refusal-withdrawn-key = Den här nyckeln har dragits tillbaka, eftersom andra kan känna till den, och godtas aldrig igen. { -unchanged }
refusal-withdrawn-key-next = { refusal-open }, ta bort den här nyckeln, skapa en ny och klistra in den nya här.

refusal-provider-unreachable = Nyckeln kunde inte provas, eftersom { $provider } inte gav något tydligt svar just nu. { -untested } { -unchanged }
refusal-provider-unreachable-next = { refusal-try-later }

refusal-not-testable = Nyckeln kunde inte provas på grund av ett fel hos oss. { -untested } { -unchanged }
refusal-not-testable-next = Behåll nyckeln och skriv till vår support; de kan se vad som är fel.

refusal-too-busy = Nyckeln kunde inte provas, eftersom det är för mycket annat att göra just nu. { -untested } { -unchanged }
refusal-too-busy-next = { refusal-try-later }

refusal-replaced-meanwhile = Någon annan har just angett en nyckel för den här anslutningen, och den används nu. Din nyckel togs inte i bruk och har inte ändrat något.
refusal-replaced-meanwhile-next = Fråga dina kollegor vem det var; ange din nyckel igen bara om den ska användas i stället.

refusal-disabled-meanwhile = Den här anslutningen stängdes av medan nyckeln provades. Nyckeln togs inte i bruk och har inte ändrat något.
refusal-disabled-meanwhile-next = Skriv till vår support innan du anger en nyckel igen.

refusal-source-unreachable = Nyckeln kunde inte tas emot, eftersom platsen där nycklarna förvaras inte gick att använda just nu. { -untested } { -unchanged }
refusal-source-unreachable-next = { refusal-try-later }

refusal-source-read-only = Nyckeln för den här anslutningen förvaras på en plats där den inte kan ändras härifrån. { -unchanged }
refusal-source-read-only-next = Behåll nyckeln och skriv till vår support; de kan ändra den där.

taken-replaced = { $provider } godtar den här nyckeln för { $customer } ({ $company }). Den används från och med nu; den tidigare nyckeln har raderats här.
taken-replaced-next = { refusal-open } och ta bort nyckeln som användes tidigare, om den finns kvar.

taken-same = Det här är nyckeln som angavs tidigare, och { $provider } godtar den för { $customer } ({ $company }).
taken-same-next = Det finns inget mer att göra.

taken-unsteady = Det här är nyckeln som angavs tidigare. { $provider } godtar den just nu, men gjorde det inte för en stund sedan.
taken-unsteady-next = Vänta några minuter; den provas igen av sig själv.

taken-paused-next = Anslutningen är pausad; den övervakas igen när pausen är slut.
