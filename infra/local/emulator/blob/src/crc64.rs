//! The checksum of `x-ms-content-crc64`: CRC-64 with the reflected polynomial `0x9A6C9329AC4BC9B5`, eight tables for
//! eight bytes a step.

const POLYNOMIAL: u64 = 0x9A6C_9329_AC4B_C9B5;

const fn tables() -> [[u64; 256]; 8] {
    let mut tables = [[0_u64; 256]; 8];
    let mut byte = 0;
    while byte < 256 {
        let mut value = byte as u64;
        let mut bit = 0;
        while bit < 8 {
            value = if value & 1 == 1 { (value >> 1) ^ POLYNOMIAL } else { value >> 1 };
            bit += 1;
        }
        tables[0][byte] = value;
        byte += 1;
    }
    let mut byte = 0;
    while byte < 256 {
        let mut table = 1;
        while table < 8 {
            let before = tables[table - 1][byte];
            tables[table][byte] = (before >> 8) ^ tables[0][(before & 0xff) as usize];
            table += 1;
        }
        byte += 1;
    }
    tables
}

static TABLES: [[u64; 256]; 8] = tables();

/// A checksum in the making.
#[derive(Debug, Clone)]
pub(crate) struct Crc64(u64);

impl Default for Crc64 {
    fn default() -> Self {
        Self(!0)
    }
}

impl Crc64 {
    /// Takes more bytes.
    pub(crate) fn update(&mut self, bytes: &[u8]) {
        let mut value = self.0;
        let (steps, rest) = bytes.as_chunks::<8>();
        for step in steps {
            let mixed = (value ^ u64::from_le_bytes(*step)).to_le_bytes();
            value = 0;
            for (position, byte) in mixed.iter().enumerate() {
                value ^= TABLES[7 - position][usize::from(*byte)];
            }
        }
        for byte in rest {
            value = (value >> 8) ^ TABLES[0][usize::from(value.to_le_bytes()[0] ^ byte)];
        }
        self.0 = value;
    }

    /// The checksum; headers carry its eight bytes, lowest first, in base64.
    pub(crate) fn finish(&self) -> u64 {
        !self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_published_check_value() {
        let mut crc = Crc64::default();
        crc.update(b"123456789");
        assert_eq!(crc.finish(), 0xAE8B_1486_0A79_9888);
    }

    #[test]
    fn pieces_do_not_matter() {
        let bytes: Vec<u8> = (0..1000_u32).map(|n| (n * 7 % 251) as u8).collect();
        let mut whole = Crc64::default();
        whole.update(&bytes);
        let mut pieces = Crc64::default();
        for piece in bytes.chunks(13) {
            pieces.update(piece);
        }
        assert_eq!(whole.finish(), pieces.finish());
    }
}
