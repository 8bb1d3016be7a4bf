# See en/refusals.ftl for what the variables are.

-unchanged = Intet er ændret.
-untested = Det siger ikke noget om nøglen.

refusal-open = { $named ->
    [no] Åbn API-nøglerne i { $provider }
   *[yes] Åbn { $place } i { $provider }
}
refusal-look = { $prefixed ->
    [no] en nøgle er ét langt ord
   *[yes] en nøgle er ét langt ord, som ofte begynder med { $prefixes }
}
refusal-copy-again = { refusal-open }, kopiér nøglen igen, og indsæt den her alene.
refusal-try-later = Behold nøglen, og prøv igen om nogle få minutter.

refusal-key-empty = Der blev ikke angivet nogen nøgle. { -unchanged }
refusal-key-empty-next = { refusal-open }, kopiér nøglen, og indsæt den her.

refusal-key-too-long = Det her er længere end nogen nøgle. Noget andet kan være kopieret med. { -unchanged }
refusal-key-too-long-next = { refusal-copy-again }

refusal-key-white-space = En nøgle er ét ord, og her er et mellemrum eller et linjeskift indeni. Noget andet kan være kopieret med. { -unchanged }
refusal-key-white-space-next = { refusal-copy-again }

refusal-key-control = Det her indeholder et tegn, som ingen nøgle har. { -unchanged }
refusal-key-control-next = { refusal-copy-again }

refusal-key-not-ascii = Det her indeholder bogstaver, som ingen nøgle har. Noget andet kan være kopieret med. { -unchanged }
refusal-key-not-ascii-next = { refusal-copy-again }

refusal-key-colon = Det her indeholder et kolon, og det har ingen nøgle. Nøglens navn eller en adresse kan være kopieret med. { -unchanged }
refusal-key-colon-next = { refusal-copy-again }

refusal-key-scheme = Foran nøglen står der et ord, som ikke hører til den. { -unchanged }
refusal-key-scheme-next = { refusal-copy-again }

refusal-key-token = Det her er et login-token og ikke en API-nøgle. { -unchanged }
refusal-key-token-next = { refusal-copy-again }

refusal-key-address = Det her er adressen på en side og ikke en nøgle. { -unchanged }
refusal-key-address-next = { refusal-copy-again }

refusal-key-rejected = { $provider } godtog ikke denne nøgle. Måske er kun en del af den blevet kopieret: { refusal-look }. { -unchanged }
refusal-key-rejected-next = { refusal-open }, og kopiér hele nøglen igen; hvis den ikke længere vises, så opret en ny.

refusal-same-dead-key = Det er den nøgle, der blev indtastet tidligere, og { $provider } godtager den ikke. { -unchanged }
refusal-same-dead-key-next = { refusal-open }, opret en ny nøgle, og indsæt den her.

refusal-other-company = Denne nøgle hører til en anden virksomhed, { $found }. Forbindelsen er for { $customer } ({ $company }). { -unchanged }
refusal-other-company-next = { refusal-open }, mens { $customer } er valgt, og kopiér nøglen dér.

refusal-company-not-said = Denne nøgle hører til en organisation i { $provider }, som kan have flere virksomheder. Det vides ikke, hvilken af dem der er tale om. { -unchanged }
refusal-company-not-said-next = Angiv, hvilken virksomhed forbindelsen er for, og indtast derefter nøglen igen.

refusal-company-out-of-reach = Denne nøgle virker, men den giver ikke adgang til { $customer } ({ $company }). { -unchanged }
refusal-company-out-of-reach-next = { refusal-open }, og giv nøglen adgang til { $customer }, eller opret en nøgle til { $customer }.

refusal-missing-scopes = Denne nøgle virker, men den mangler tilladelser, der er nødvendige: { $missing }. { -unchanged }
refusal-missing-scopes-next = { refusal-open }, tillad { $missing } for denne nøgle, og indtast den igen. Hvis det ikke kan ændres, så opret en nøgle, der har dem.

refusal-other-client = Denne nøgle virker, men den er oprettet til en anden integration. { -unchanged }
refusal-other-client-next = { refusal-open }, og kopiér den nøgle, der er oprettet til denne integration.

refusal-not-an-api-key = { $provider } opfatter ikke dette som en API-nøgle, men som et login. { -unchanged }
refusal-not-an-api-key-next = { refusal-open }, opret en API-nøgle, og indsæt den her.

refusal-installation-disconnected = Denne nøgle virker, men integrationen er slået fra i { $provider }. { -unchanged }
refusal-installation-disconnected-next = Slå integrationen til i { $provider }, og indtast derefter nøglen igen.

refusal-key-of-another-tenant = Denne nøgle bruges allerede til en anden forbindelse; hver forbindelse skal have sin egen. { -unchanged }
refusal-key-of-another-tenant-next = { refusal-open }, opret en nøgle til { $customer }, og indsæt den her.

refusal-key-kept-elsewhere = Nøgler til denne forbindelse indtastes i selve integrationen, ikke her. { -unchanged }
refusal-key-kept-elsewhere-next = Log ind i integrationen, og indtast nøglen dér.

refusal-withdrawn-key = Denne nøgle er trukket tilbage, fordi andre kan kende den, og den godtages aldrig igen. { -unchanged }
refusal-withdrawn-key-next = { refusal-open }, slet denne nøgle, opret en ny, og indsæt den nye her.

refusal-provider-unreachable = Nøglen kunne ikke afprøves, fordi { $provider } ikke gav et klart svar lige nu. { -untested } { -unchanged }
refusal-provider-unreachable-next = { refusal-try-later }

refusal-not-testable = Nøglen kunne ikke afprøves på grund af en fejl hos os. { -untested } { -unchanged }
refusal-not-testable-next = Behold nøglen, og skriv til vores support; de kan se, hvad der er galt.

refusal-too-busy = Nøglen kunne ikke afprøves, fordi der er for meget andet at gøre i øjeblikket. { -untested } { -unchanged }
refusal-too-busy-next = { refusal-try-later }

refusal-replaced-meanwhile = En anden har netop indtastet en nøgle til denne forbindelse, og den er i brug. Din nøgle blev ikke taget i brug og har ikke ændret noget.
refusal-replaced-meanwhile-next = Spørg dine kolleger, hvem det var; indtast kun din nøgle igen, hvis den skal bruges i stedet.

refusal-disabled-meanwhile = Denne forbindelse blev slået fra, mens nøglen blev afprøvet. Nøglen blev ikke taget i brug og har ikke ændret noget.
refusal-disabled-meanwhile-next = Skriv til vores support, før du indtaster en nøgle igen.

refusal-source-unreachable = Nøglen kunne ikke modtages, fordi det sted, hvor nøglerne opbevares, ikke kunne bruges lige nu. { -untested } { -unchanged }
refusal-source-unreachable-next = { refusal-try-later }

refusal-source-read-only = Nøglen til denne forbindelse opbevares et sted, hvor den ikke kan ændres herfra. { -unchanged }
refusal-source-read-only-next = Behold nøglen, og skriv til vores support; de kan ændre den dér.

taken-replaced = { $provider } godtager denne nøgle for { $customer } ({ $company }). Den er i brug fra nu af; den tidligere nøgle er slettet her.
taken-replaced-next = { refusal-open }, og slet den nøgle, der blev brugt tidligere, hvis den stadig er der.

taken-same = Det er den nøgle, der blev indtastet tidligere, og { $provider } godtager den for { $customer } ({ $company }).
taken-same-next = Der er ikke mere at gøre.

taken-unsteady = Det er den nøgle, der blev indtastet tidligere. { $provider } godtager den lige nu, men gjorde det ikke for lidt siden.
taken-unsteady-next = Vent nogle få minutter; den afprøves igen af sig selv.

taken-paused-next = Forbindelsen er sat på pause; den overvåges igen, når pausen er slut.
