//! A body that is small on the wire and large when unpacked, written by hand: 64 KiB of deflate
//! code that stand for 64 MiB of spaces.

use std::sync::LazyLock;

use bytes::Bytes;

/// Zero bytes in the code. Each holds four times "258 bytes like the one before".
const ZEROES: usize = 64 * 1024;
/// What it unpacks to: the first space, and the repetitions.
const UNPACKED: u32 = 1 + 65_536 * 4 * 258;
/// CRC-32 of that many spaces.
const CRC: u32 = 0x7e1b_6f00;

static BOMB: LazyLock<Bytes> = LazyLock::new(build);

/// The body.
pub(super) fn bomb() -> Bytes {
    BOMB.clone()
}

fn build() -> Bytes {
    let mut bits = Bits::default();
    bits.bytes.extend([0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 255]);
    // One last block with its own code table: 286 lengths of literals, 1 of distances, 18 of the
    // code that writes the lengths.
    for (value, width) in [(1, 1), (2, 2), (29, 5), (0, 5), (14, 4)] {
        bits.number(value, width);
    }
    // That code, in the order the format prescribes: 18 is `0`, 1 is `10`, 2 is `11`.
    for length in [0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 2, 0, 2] {
        bits.number(length, 3);
    }
    let unused = |bits: &mut Bits, count: u32| {
        bits.code(0b0, 1);
        bits.number(count - 11, 7);
    };
    let one = |bits: &mut Bits| bits.code(0b10, 2);
    let two = |bits: &mut Bits| bits.code(0b11, 2);
    // A space is `10`, the end is `11`, a repetition of 258 is `0`, and so is "from one byte back".
    unused(&mut bits, 32);
    two(&mut bits);
    unused(&mut bits, 138);
    unused(&mut bits, 85);
    two(&mut bits);
    unused(&mut bits, 28);
    one(&mut bits);
    one(&mut bits);
    bits.code(0b10, 2);
    for _ in 0..ZEROES {
        bits.number(0, 8);
    }
    bits.code(0b11, 2);
    bits.bytes.extend(CRC.to_le_bytes());
    bits.bytes.extend(UNPACKED.to_le_bytes());
    Bytes::from(bits.bytes)
}

#[derive(Default)]
struct Bits {
    bytes: Vec<u8>,
    /// Bits used of the last byte; 0 when it is full.
    used: u32,
}

impl Bits {
    /// A number: lowest bit first.
    fn number(&mut self, value: u32, width: u32) {
        for place in 0..width {
            self.bit(value >> place & 1 == 1);
        }
    }

    /// A code word: highest bit first.
    fn code(&mut self, word: u32, width: u32) {
        for place in (0..width).rev() {
            self.bit(word >> place & 1 == 1);
        }
    }

    fn bit(&mut self, on: bool) {
        if self.used == 0 {
            self.bytes.push(0);
        }
        if let Some(last) = self.bytes.last_mut() {
            *last |= u8::from(on) << self.used;
        }
        self.used = (self.used + 1) % 8;
    }
}
