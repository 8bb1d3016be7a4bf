//! What is written for a recipient, against the standard `age` tool and the published vector of its
//! format; and texts that are no recipient.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use base64::Engine;
use base64::engine::general_purpose::STANDARD_NO_PAD;
use ring::agreement::{EphemeralPrivateKey, UnparsedPublicKey, X25519, agree_ephemeral};

use crate::vault::age::{CHUNK, FileKey, head};
use crate::vault::{BadRecipient, Recipient, Sealer, seal_to};

/// A pair of keys made by the standard tool.
struct Pair {
    recipient: Recipient,
    secret: PathBuf,
    _folder: tempfile::TempDir,
}

impl Pair {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let secret = folder.path().join("secret");
        let made = tool("age-keygen").arg("-o").arg(&secret).output();
        let made = made.unwrap_or_else(|error| missing("age-keygen", &error));
        assert!(made.status.success(), "{made:?}");
        let public = tool("age-keygen").arg("-y").arg(&secret).output().unwrap().stdout;
        let recipient = Recipient::parse(std::str::from_utf8(&public).unwrap()).unwrap();
        Self { recipient, secret, _folder: folder }
    }

    /// What the standard tool finds in the file.
    fn open(&self, sealed: &[u8]) -> Option<Vec<u8>> {
        opened(&self.secret, sealed)
    }
}

fn opened(secret: &Path, sealed: &[u8]) -> Option<Vec<u8>> {
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), sealed).unwrap();
    let mut age = tool("age");
    age.arg("-d").arg("-i").arg(secret).arg(file.path());
    let ran = age.output().unwrap_or_else(|error| missing("age", &error));
    ran.status.success().then_some(ran.stdout)
}

fn tool(name: &str) -> Command {
    let mut command = Command::new(name);
    command.stdin(Stdio::null());
    command
}

fn missing<T>(name: &str, error: &std::io::Error) -> T {
    panic!("{name} cannot be run ({error}): scripts/test installs it (Debian package `age`)")
}

fn sealed(recipient: &Recipient, plain: &[u8], at_once: usize) -> Vec<u8> {
    let mut sealer = Sealer::new(recipient, Vec::new()).unwrap();
    for part in plain.chunks(at_once) {
        sealer.write_all(part).unwrap();
    }
    sealer.finish().unwrap()
}

#[test]
fn the_standard_tool_opens_a_payload_of_any_length_to_exactly_what_it_was() {
    let pair = Pair::new();
    let lengths = [0, 1, 60, CHUNK - 1, CHUNK, CHUNK + 1, 2 * CHUNK, 3 * CHUNK + 7, 300 * CHUNK];
    for length in lengths {
        let plain: Vec<u8> = (0..=250_u8).cycle().take(length).collect();
        for at_once in [1_000, 100_000] {
            let opened = pair.open(&sealed(&pair.recipient, &plain, at_once));
            assert!(opened.as_ref() == Some(&plain), "{length} bytes, {at_once} at once");
        }
    }
}

#[test]
fn a_sealed_key_opens_with_the_secret_key_of_its_recipient_and_with_no_other() {
    let (pair, other) = (Pair::new(), Pair::new());
    let sealed = seal_to(&pair.recipient, &super::secret()).unwrap();
    assert_eq!(pair.open(&sealed).as_deref(), Some(super::SECRET.as_bytes()));
    assert_eq!(other.open(&sealed), None);
    let plain = super::SECRET.as_bytes();
    assert!(!sealed.windows(plain.len()).any(|part| part == plain));
    // Each time with another key: two copies of one key have nothing in common after the version.
    let again = seal_to(&pair.recipient, &super::secret()).unwrap();
    assert_ne!(sealed[40..60], again[40..60]);
}

#[test]
fn a_file_that_was_changed_or_cut_anywhere_does_not_open() {
    let pair = Pair::new();
    let sealed = sealed(&pair.recipient, &vec![7; CHUNK + 10], CHUNK);
    for at in [30, 60, 120, 160, 200, 300, CHUNK + 150, sealed.len() - 1] {
        let mut changed = sealed.clone();
        changed[at] ^= 1;
        assert_eq!(pair.open(&changed), None, "changed at {at}");
        assert_eq!(pair.open(&sealed[..at]), None, "cut at {at}");
    }
}

/// From the age test vectors of C2SP (`x25519`). They give the key of the file and the recipient's
/// secret key, from whose side the agreement comes to the same.
#[test]
fn the_header_is_that_of_the_published_vector() {
    let identity = "AGE-SECRET-KEY-1EGTZVFFV20835NWYV6270LXYVK2VKNX2MMDKWYKLMGR48UAWX40Q2P2LM0";
    let share = "TEiF0ypqr+bpvcqXNyCVJpL7OuwPdVwPL7KQEbFDOCc";
    let published = "age-encryption.org/v1\n\
                     -> X25519 TEiF0ypqr+bpvcqXNyCVJpL7OuwPdVwPL7KQEbFDOCc\n\
                     hjabGXwSLQ9c3S6Lw2i+S2Tu2fiwQHHslbBN6B41FLE\n\
                     --- WyJp9F/9FOZh7gJdheq2WIJcwHgYc8NIVh3ddwhrcNg\n";
    let share: [u8; 32] = STANDARD_NO_PAD.decode(share).unwrap().try_into().unwrap();
    let theirs = bech32::decode(identity).unwrap().1;
    let theirs = of_their_bytes(&theirs);
    let recipient = theirs.compute_public_key().unwrap();
    let recipient: [u8; 32] = recipient.as_ref().try_into().unwrap();
    let file_key = FileKey::new(*b"YELLOW SUBMARINE");
    let written = agree_ephemeral(theirs, &UnparsedPublicKey::new(&X25519, share), |shared| {
        head(shared, &share, &recipient, &file_key).unwrap()
    });
    assert_eq!(written.unwrap(), published);
}

/// A secret key that is not fresh; the library has no other way to take one.
#[expect(deprecated, reason = "the library's own means for known answers, used in tests only")]
fn of_their_bytes(bytes: &[u8]) -> EphemeralPrivateKey {
    let fixed = ring::test::rand::FixedSliceRandom { bytes };
    EphemeralPrivateKey::generate(&X25519, &fixed).unwrap()
}

#[test]
fn what_is_no_public_key_is_refused_with_the_reason_and_never_repeated() {
    let good = Pair::new().recipient.as_str().to_owned();
    let hrp = |name: &str| bech32::Hrp::parse(name).unwrap();
    let encoded =
        |name: &str, bytes: &[u8]| bech32::encode::<bech32::Bech32>(hrp(name), bytes).unwrap();
    let other_sum = bech32::encode::<bech32::Bech32m>(hrp("age"), &[9; 32]).unwrap();
    let secret = "AGE-SECRET-KEY-1EGTZVFFV20835NWYV6270LXYVK2VKNX2MMDKWYKLMGR48UAWX40Q2P2LM0";
    let mut typed_wrong = good.clone();
    let last = if typed_wrong.pop() == Some('q') { 'p' } else { 'q' };
    typed_wrong.push(last);
    for (text, why) in [
        ("", BadRecipient::Empty),
        (" \n# age1 is a remark\n", BadRecipient::Empty),
        (secret, BadRecipient::Secret),
        (&secret.to_lowercase(), BadRecipient::Secret),
        (&format!("# public key: {good}\n{secret}\n"), BadRecipient::Secret),
        (&format!("{good}\n# {secret}"), BadRecipient::Secret),
        (&format!("{good}\n{good}"), BadRecipient::Several),
        ("ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIMade up", BadRecipient::Other),
        (&good.to_uppercase(), BadRecipient::Other),
        (&encoded("age1yubikey", &[2; 33]), BadRecipient::Other),
        (&encoded("age", &[9; 31]), BadRecipient::Other),
        (&encoded("age", &[9; 33]), BadRecipient::Other),
        (&typed_wrong, BadRecipient::Checksum),
        (&good[..good.len() - 1], BadRecipient::Checksum),
        (&other_sum, BadRecipient::Checksum),
        (&"age1".repeat(2_000), BadRecipient::TooLong),
    ] {
        assert_eq!(Recipient::parse(text).err(), Some(why), "{text}");
        assert!(!why.to_string().contains("EGTZVFFV"));
    }
    assert_eq!(Recipient::parse(&format!("# us\n  {good} \r\n")).unwrap().as_str(), good);
}

#[test]
fn a_point_that_gives_everybody_the_same_secret_is_refused() {
    let mut one = [0; 32];
    one[0] = 1;
    // Of order eight, from RFC 7748's warnings; and the field's prime, which is zero again.
    let eight: [u8; 32] = [
        0xe0, 0xeb, 0x7a, 0x7c, 0x3b, 0x41, 0xb8, 0xae, 0x16, 0x56, 0xe3, 0xfa, 0xf1, 0x9f, 0xc4,
        0x6a, 0xda, 0x09, 0x8d, 0xeb, 0x9c, 0x32, 0xb1, 0xfd, 0x86, 0x62, 0x05, 0x16, 0x5f, 0x49,
        0xb8, 0x00,
    ];
    let mut prime = [0xff; 32];
    (prime[0], prime[31]) = (0xed, 0x7f);
    for point in [[0; 32], one, eight, prime] {
        let hrp = bech32::Hrp::parse("age").unwrap();
        let text = bech32::encode::<bech32::Bech32>(hrp, &point).unwrap();
        assert_eq!(Recipient::parse(&text).err(), Some(BadRecipient::Weak), "{text}");
    }
}

#[test]
fn a_fingerprint_is_what_sha256sum_says_of_the_text() {
    let pair = Pair::new();
    let mut sum = Command::new("sha256sum");
    let mut sum = sum.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    sum.stdin.take().unwrap().write_all(pair.recipient.as_str().as_bytes()).unwrap();
    let said = String::from_utf8(sum.wait_with_output().unwrap().stdout).unwrap();
    let spoken = pair.recipient.fingerprint();
    assert_eq!(spoken.replace(' ', ""), said[..20]);
    assert_eq!(spoken.len(), 24, "{spoken}");
}
