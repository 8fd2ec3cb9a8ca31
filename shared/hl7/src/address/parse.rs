//! Parsing addresses.

use super::{Address, Depth, Pick};
use crate::message::SegmentId;
use std::num::NonZeroU16;
use std::str::FromStr;
use thiserror::Error;

/// Why a text is not an address.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum AddressError {
    /// It does not begin with the name of a segment.
    #[error("an address begins with the name of a segment, e.g. PID")]
    Segment,
    /// There is no `-` and field after the segment.
    #[error("an address has a hyphen and the number of a field behind the segment, e.g. PID-5")]
    Field,
    /// What is in brackets after the segment or the field is neither a number nor, after the field, a choice.
    #[error("brackets hold a number, or behind a field a choice, e.g. PID-3[5=MRN]")]
    Brackets,
    /// A number is missing, zero, or larger than 65535.
    #[error("the parts of an address are numbers from 1 on")]
    Number,
    /// Something follows that is not part of an address.
    #[error("something stands behind the address")]
    Trailing,
}

/// Takes a number from the beginning of a text. Leading zeros are refused, so that every place has exactly one address.
fn number(text: &str) -> Result<(NonZeroU16, &str), AddressError> {
    let end = text.bytes().take_while(u8::is_ascii_digit).count();
    let (digits, rest) = text.split_at_checked(end).ok_or(AddressError::Number)?;
    if digits.starts_with('0') {
        return Err(AddressError::Number);
    }
    Ok((digits.parse().map_err(|_| AddressError::Number)?, rest))
}

/// Takes `[…]` from the beginning of a text.
fn brackets(text: &str) -> Result<(Option<&str>, &str), AddressError> {
    match text.strip_prefix('[') {
        None => Ok((None, text)),
        Some(inner) => {
            let (inner, rest) = inner.split_once(']').ok_or(AddressError::Brackets)?;
            Ok((Some(inner), rest))
        }
    }
}

/// A whole text as a number.
fn only(text: &str) -> Result<NonZeroU16, AddressError> {
    match number(text) {
        Ok((n, "")) => Ok(n),
        _ => Err(AddressError::Brackets),
    }
}

fn pick(text: &str) -> Result<Pick, AddressError> {
    let Some((place, is)) = text.split_once('=') else { return only(text).map(Pick::Number) };
    let (component, subcomponent) = match place.split_once('.') {
        None => (only(place)?, None),
        Some((component, subcomponent)) => (only(component)?, Some(only(subcomponent)?)),
    };
    let is = is.trim();
    if is.is_empty() || is.contains(|c: char| c.is_control() || c == '[') {
        return Err(AddressError::Brackets);
    }
    Ok(Pick::Where { component, subcomponent, is: is.to_owned() })
}

fn depth(text: &str) -> Result<(Depth, &str), AddressError> {
    let Some(text) = text.strip_prefix('.') else { return Ok((Depth::Field, text)) };
    if let Some(rest) = text.strip_prefix('*') {
        return Ok((Depth::WholeField, rest));
    }
    let (component, rest) = number(text)?;
    let Some(text) = rest.strip_prefix('.') else { return Ok((Depth::Component(component), rest)) };
    if let Some(rest) = text.strip_prefix('*') {
        return Ok((Depth::WholeComponent(component), rest));
    }
    let (subcomponent, rest) = number(text)?;
    Ok((Depth::Subcomponent(component, subcomponent), rest))
}

/// Field, repetition and depth: what follows the hyphen.
pub(crate) fn place(text: &str) -> Result<(NonZeroU16, Option<Pick>, Depth), AddressError> {
    let (field, rest) = number(text)?;
    let (inner, rest) = brackets(rest)?;
    let repetition = inner.map(pick).transpose()?;
    match depth(rest)? {
        (depth, "") => Ok((field, repetition, depth)),
        _ => Err(AddressError::Trailing),
    }
}

impl FromStr for Address {
    type Err = AddressError;

    fn from_str(text: &str) -> Result<Self, AddressError> {
        let (name, rest) = text.split_at_checked(3).ok_or(AddressError::Segment)?;
        let segment: SegmentId = name.parse().map_err(|_| AddressError::Segment)?;
        let (inner, rest) = brackets(rest)?;
        let occurrence = inner.map(only).transpose()?;
        let rest = rest.strip_prefix('-').ok_or(AddressError::Field)?;
        let (field, repetition, depth) = place(rest)?;
        Ok(Self { segment, occurrence, field, repetition, depth })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn addresses_are_displayed_as_they_were_written() {
        for text in [
            "PID-5",
            "PID-5.1",
            "PID-5.1.2",
            "NTE[2]-3",
            "PID-3[2].1",
            "PID-3[5=MRN].1",
            "PID-3[4.1=St. John's].1.2",
            "NTE-3.*",
            "OBR-4.2.*",
            "ZX1[65535]-65535[65535].65535.65535",
            "OBX-5[1].*",
            "ORC-12[13=NPI]",
        ] {
            assert_eq!(text.parse::<Address>().unwrap().to_string(), text);
        }
    }

    #[test]
    fn what_is_no_address() {
        use AddressError as E;
        for (text, expected) in [
            ("", E::Segment),
            ("PI", E::Segment),
            ("pid-5", E::Segment),
            ("5ID-5", E::Segment),
            ("PÏD-5", E::Segment),
            ("PID", E::Field),
            ("PID5", E::Field),
            ("PID.5", E::Field),
            ("PID -5", E::Field),
            ("PID-", E::Number),
            ("PID-0", E::Number),
            ("PID-05", E::Number),
            ("PID-65536", E::Number),
            ("PID-5.", E::Number),
            ("PID-5.0", E::Number),
            ("PID-5.1.", E::Number),
            ("PID-x", E::Number),
            ("PID[]-5", E::Brackets),
            ("PID[0]-5", E::Brackets),
            ("PID[1-5", E::Brackets),
            ("PID-3[]", E::Brackets),
            ("PID-3[5=]", E::Brackets),
            ("PID-3[=MRN]", E::Brackets),
            ("PID-3[5.=M]", E::Brackets),
            ("PID-3[*]", E::Brackets),
            ("PID-5.1.2.3", E::Trailing),
            ("PID-5 ", E::Trailing),
            ("PID-5.*.1", E::Trailing),
            ("PID-5[1][2]", E::Trailing),
        ] {
            assert_eq!(text.parse::<Address>(), Err(expected), "{text}");
        }
    }

    proptest! {
        #[test]
        fn any_text_is_an_address_or_is_not(text in "\\PC{0,24}|[A-Z]{3}(\\[[0-9=.]{0,4}\\])?-[0-9.*\\[\\]=A-Z]{0,12}") {
            if let Ok(address) = text.parse::<Address>() {
                prop_assert_eq!(address.to_string().parse::<Address>(), Ok(address));
            }
        }
    }
}
