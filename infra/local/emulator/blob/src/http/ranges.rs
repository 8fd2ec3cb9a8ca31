//! `Range` and `x-ms-range`: one range, with a first byte. Anything else is ignored, as RFC 9110 prescribes (section
//! 14.2): the answer is the whole blob.

use super::call::Call;
use super::failure::{Failure, Outcome};
use crate::store::ByteRange;

/// `bytes=first-[last]`. Suffix ranges and several ranges are not part of the service's protocol.
fn parse(value: &str) -> Option<ByteRange> {
    let (first, last) = value.trim().strip_prefix("bytes=")?.split_once('-')?;
    let start = first.trim().parse().ok()?;
    let end = match last.trim() {
        "" => None,
        last => Some(last.parse().ok().filter(|end| *end >= start)?),
    };
    Some(ByteRange { start, end })
}

impl Call {
    /// The range to read: `x-ms-range` before `Range`.
    pub(super) fn range(&self) -> Option<ByteRange> {
        let value = self.header("x-ms-range").or_else(|| self.header("range"))?;
        parse(&value)
    }

    /// The range of a copy's source; an invalid one is refused, because otherwise the wrong bytes would be copied.
    pub(super) fn source_range(&self) -> Outcome<Option<ByteRange>> {
        const NAME: &str = "x-ms-source-range";
        self.header(NAME).map(|value| parse(&value).ok_or_else(|| Failure::header(NAME))).transpose()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_forward_ranges() {
        assert_eq!(parse("bytes=0-"), Some(ByteRange { start: 0, end: None }));
        assert_eq!(parse("bytes=5-5"), Some(ByteRange { start: 5, end: Some(5) }));
        for bad in ["bytes=-5", "bytes=6-5", "bytes=a-b", "items=0-1", "bytes=0-1,3-4", "bytes=99999999999999999999-"] {
            assert_eq!(parse(bad), None, "{bad}");
        }
    }
}
