# See en/refusals.ftl for what the variables are.

-unchanged = Es hat sich nichts geändert.
-untested = Das sagt nichts über den Schlüssel aus.

refusal-open = { $named ->
    [no] Öffnen Sie in { $provider } die API-Schlüssel
   *[yes] Öffnen Sie in { $provider } { $place }
}
refusal-look = { $prefixed ->
    [no] Ein Schlüssel ist ein einziges langes Wort
   *[yes] Ein Schlüssel ist ein einziges langes Wort, das oft mit { $prefixes } beginnt
}
refusal-copy-again = { refusal-open }, kopieren Sie den Schlüssel noch einmal und fügen Sie hier nur ihn ein.
refusal-try-later = Bewahren Sie den Schlüssel auf und versuchen Sie es in einigen Minuten noch einmal.

refusal-key-empty = Es wurde kein Schlüssel angegeben. { -unchanged }
refusal-key-empty-next = { refusal-open }, kopieren Sie den Schlüssel und fügen Sie ihn hier ein.

refusal-key-too-long = Das ist länger als jeder Schlüssel. Vielleicht wurde etwas anderes mitkopiert. { -unchanged }
refusal-key-too-long-next = { refusal-copy-again }

refusal-key-white-space = Ein Schlüssel ist ein einziges Wort, und hier steht ein Leerzeichen oder ein Zeilenumbruch darin. Vielleicht wurde etwas anderes mitkopiert. { -unchanged }
refusal-key-white-space-next = { refusal-copy-again }

refusal-key-control = Das enthält ein Zeichen, das in keinem Schlüssel vorkommt. { -unchanged }
refusal-key-control-next = { refusal-copy-again }

refusal-key-not-ascii = Das enthält Buchstaben, die in keinem Schlüssel vorkommen. Vielleicht wurde etwas anderes mitkopiert. { -unchanged }
refusal-key-not-ascii-next = { refusal-copy-again }

refusal-key-colon = Das enthält einen Doppelpunkt, der in keinem Schlüssel vorkommt. Vielleicht wurde der Name des Schlüssels oder eine Adresse mitkopiert. { -unchanged }
refusal-key-colon-next = { refusal-copy-again }

refusal-key-scheme = Vor dem Schlüssel steht ein Wort, das nicht dazugehört. { -unchanged }
refusal-key-scheme-next = { refusal-copy-again }

refusal-key-token = Das ist ein Anmelde-Token und kein API-Schlüssel. { -unchanged }
refusal-key-token-next = { refusal-copy-again }

refusal-key-address = Das ist die Adresse einer Seite und kein Schlüssel. { -unchanged }
refusal-key-address-next = { refusal-copy-again }

refusal-key-rejected = { $provider } hat diesen Schlüssel nicht angenommen. Vielleicht wurde nur ein Teil davon kopiert: { refusal-look }. { -unchanged }
refusal-key-rejected-next = { refusal-open } und kopieren Sie noch einmal den ganzen Schlüssel; wird er nicht mehr angezeigt, erstellen Sie einen neuen.

refusal-same-dead-key = Das ist der Schlüssel, der zuvor eingegeben wurde, und { $provider } nimmt ihn nicht an. { -unchanged }
refusal-same-dead-key-next = { refusal-open }, erstellen Sie einen neuen Schlüssel und fügen Sie diesen hier ein.

refusal-other-company = Dieser Schlüssel gehört zu einem anderen Unternehmen, { $found }. Die Verbindung ist für { $customer } ({ $company }). { -unchanged }
refusal-other-company-next = { refusal-open }, während { $customer } ausgewählt ist, und kopieren Sie dort den Schlüssel.

refusal-company-not-said = Dieser Schlüssel gehört zu einer Organisation in { $provider }, die mehrere Unternehmen haben kann. Es ist nicht bekannt, welches gemeint ist. { -unchanged }
refusal-company-not-said-next = Geben Sie an, für welches Unternehmen die Verbindung ist, und geben Sie den Schlüssel dann noch einmal ein.

refusal-company-out-of-reach = Dieser Schlüssel funktioniert, gibt aber keinen Zugriff auf { $customer } ({ $company }). { -unchanged }
refusal-company-out-of-reach-next = { refusal-open } und geben Sie dem Schlüssel Zugriff auf { $customer }, oder erstellen Sie einen für { $customer }.

refusal-missing-scopes = Dieser Schlüssel funktioniert, aber ihm fehlen Berechtigungen, die gebraucht werden: { $missing }. { -unchanged }
refusal-missing-scopes-next = { refusal-open }, erlauben Sie { $missing } für diesen Schlüssel und geben Sie ihn noch einmal ein. Lässt sich das nicht ändern, erstellen Sie einen Schlüssel, der sie hat.

refusal-other-client = Dieser Schlüssel funktioniert, wurde aber für eine andere Integration erstellt. { -unchanged }
refusal-other-client-next = { refusal-open } und kopieren Sie den Schlüssel, der für diese Integration erstellt wurde.

refusal-not-an-api-key = { $provider } sieht darin keinen API-Schlüssel, sondern eine Anmeldung. { -unchanged }
refusal-not-an-api-key-next = { refusal-open }, erstellen Sie einen API-Schlüssel und fügen Sie diesen hier ein.

refusal-installation-disconnected = Dieser Schlüssel funktioniert, aber die Integration ist in { $provider } ausgeschaltet. { -unchanged }
refusal-installation-disconnected-next = Schalten Sie die Integration in { $provider } ein und geben Sie den Schlüssel dann noch einmal ein.

refusal-key-of-another-tenant = Dieser Schlüssel wird bereits für eine andere Verbindung verwendet; jede braucht ihren eigenen. { -unchanged }
refusal-key-of-another-tenant-next = { refusal-open }, erstellen Sie einen Schlüssel für { $customer } und fügen Sie diesen hier ein.

refusal-key-kept-elsewhere = Schlüssel für diese Verbindung werden in der Integration selbst eingegeben, nicht hier. { -unchanged }
refusal-key-kept-elsewhere-next = Melden Sie sich in der Integration an und geben Sie den Schlüssel dort ein.

refusal-withdrawn-key = Dieser Schlüssel wurde zurückgezogen, weil andere ihn kennen könnten, und wird nie wieder angenommen. { -unchanged }
refusal-withdrawn-key-next = { refusal-open }, löschen Sie diesen Schlüssel, erstellen Sie einen neuen und fügen Sie den neuen hier ein.

refusal-provider-unreachable = Der Schlüssel konnte nicht geprüft werden, weil { $provider } gerade keine klare Antwort gab. { -untested } { -unchanged }
refusal-provider-unreachable-next = { refusal-try-later }

refusal-not-testable = Der Schlüssel konnte wegen eines Fehlers auf unserer Seite nicht geprüft werden. { -untested } { -unchanged }
refusal-not-testable-next = Bewahren Sie den Schlüssel auf und schreiben Sie an unseren Support; er kann sehen, woran es liegt.

refusal-too-busy = Der Schlüssel konnte nicht geprüft werden, weil im Moment zu viel anderes zu tun ist. { -untested } { -unchanged }
refusal-too-busy-next = { refusal-try-later }

refusal-replaced-meanwhile = Jemand anderes hat gerade einen Schlüssel für diese Verbindung eingegeben, und dieser ist in Gebrauch. Ihr Schlüssel wurde nicht übernommen und hat nichts geändert.
refusal-replaced-meanwhile-next = Fragen Sie in Ihrem Unternehmen, wer es war; geben Sie Ihren Schlüssel nur dann noch einmal ein, wenn er stattdessen verwendet werden soll.

refusal-disabled-meanwhile = Diese Verbindung wurde ausgeschaltet, während der Schlüssel geprüft wurde. Der Schlüssel wurde nicht übernommen und hat nichts geändert.
refusal-disabled-meanwhile-next = Schreiben Sie an unseren Support, bevor Sie wieder einen Schlüssel eingeben.

refusal-source-unreachable = Der Schlüssel konnte nicht übernommen werden, weil der Ort, an dem die Schlüssel aufbewahrt werden, gerade nicht erreichbar war. { -untested } { -unchanged }
refusal-source-unreachable-next = { refusal-try-later }

refusal-source-read-only = Der Schlüssel dieser Verbindung liegt an einem Ort, an dem er von hier aus nicht geändert werden kann. { -unchanged }
refusal-source-read-only-next = Bewahren Sie den Schlüssel auf und schreiben Sie an unseren Support; er kann ihn dort ändern.

taken-replaced = { $provider } nimmt diesen Schlüssel für { $customer } ({ $company }) an. Er wird ab jetzt verwendet; der vorherige Schlüssel wurde hier gelöscht.
taken-replaced-next = { refusal-open } und löschen Sie den Schlüssel, der zuvor verwendet wurde, falls er noch da ist.

taken-same = Das ist der Schlüssel, der zuvor eingegeben wurde, und { $provider } nimmt ihn für { $customer } ({ $company }) an.
taken-same-next = Es ist nichts weiter zu tun.

taken-unsteady = Das ist der Schlüssel, der zuvor eingegeben wurde. { $provider } nimmt ihn im Moment an, hat es vor Kurzem aber nicht getan.
taken-unsteady-next = Warten Sie einige Minuten; er wird von selbst noch einmal geprüft.

taken-paused-next = Die Verbindung ist pausiert; sie wird wieder überwacht, sobald die Pause endet.
