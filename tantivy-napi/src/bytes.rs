//! A cursor over untrusted bytes: every read is checked, nothing is allocated.

/// The bytes ended early, or hold something that cannot be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Malformed(pub &'static str);

pub type Parsed<T> = Result<T, Malformed>;

const TRUNCATED: Malformed = Malformed("it ends in the middle of a value");

#[derive(Clone)]
pub struct Cursor<'a> {
    rest: &'a [u8],
}

impl<'a> Cursor<'a> {
    pub fn new(bytes: &'a [u8]) -> Self {
        Cursor { rest: bytes }
    }

    pub fn is_empty(&self) -> bool {
        self.rest.is_empty()
    }

    pub fn rest(&self) -> &'a [u8] {
        self.rest
    }

    #[inline]
    pub fn take(&mut self, count: usize) -> Parsed<&'a [u8]> {
        let (head, tail) = self.rest.split_at_checked(count).ok_or(TRUNCATED)?;
        self.rest = tail;
        Ok(head)
    }

    #[inline]
    fn array<const N: usize>(&mut self) -> Parsed<[u8; N]> {
        let (head, tail) = self.rest.split_first_chunk::<N>().ok_or(TRUNCATED)?;
        self.rest = tail;
        Ok(*head)
    }

    #[inline]
    pub fn u8(&mut self) -> Parsed<u8> {
        Ok(u8::from_le_bytes(self.array()?))
    }

    #[inline]
    pub fn u32(&mut self) -> Parsed<u32> {
        Ok(u32::from_le_bytes(self.array()?))
    }

    #[inline]
    pub fn u64(&mut self) -> Parsed<u64> {
        Ok(u64::from_le_bytes(self.array()?))
    }

    pub fn u128(&mut self) -> Parsed<u128> {
        Ok(u128::from_le_bytes(self.array()?))
    }

    #[inline]
    pub fn i64(&mut self) -> Parsed<i64> {
        Ok(i64::from_le_bytes(self.array()?))
    }

    /// Tantivy's variable-length integer: 7 bits a byte, lowest first; the high bit marks the LAST byte.
    #[inline]
    pub fn vint(&mut self) -> Parsed<u64> {
        let mut value = 0u64;
        let mut shift = 0u32;
        for (index, byte) in self.rest.iter().enumerate() {
            let bits = u64::from(byte & 0x7f);
            if shift > 63 || (shift == 63 && bits > 1) {
                return Err(Malformed("a variable-length integer does not fit 64 bits"));
            }
            value |= bits << shift;
            if byte & 0x80 != 0 {
                self.rest = &self.rest[index + 1..];
                return Ok(value);
            }
            shift += 7;
        }
        Err(TRUNCATED)
    }

    #[inline]
    pub fn vint_usize(&mut self) -> Parsed<usize> {
        usize::try_from(self.vint()?)
            .map_err(|_| Malformed("a length does not fit the address space"))
    }

    /// A length-prefixed run of bytes.
    #[inline]
    pub fn blob(&mut self) -> Parsed<&'a [u8]> {
        let length = self.vint_usize()?;
        self.take(length)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn vint_marks_its_last_byte() {
        let mut cursor = Cursor::new(&[0x80, 0x7f, 0x81, 0x01]);
        assert_eq!(cursor.vint(), Ok(0));
        assert_eq!(cursor.vint(), Ok(0x7f + (1 << 7)));
        assert_eq!(cursor.vint(), Err(TRUNCATED));
    }

    #[test]
    fn vint_holds_u64_max_and_no_more() {
        let mut max = vec![0x7f; 9];
        max.push(0x81);
        assert_eq!(Cursor::new(&max).vint(), Ok(u64::MAX));
        max[9] = 0x82;
        assert!(Cursor::new(&max).vint().is_err());
        assert!(Cursor::new(&[0; 64]).vint().is_err());
    }

    #[test]
    fn a_blob_longer_than_the_bytes_is_refused() {
        assert_eq!(Cursor::new(&[0x83, 1, 2, 3]).blob(), Ok(&[1u8, 2, 3][..]));
        assert!(Cursor::new(&[0x84, 1, 2, 3]).blob().is_err());
    }
}
