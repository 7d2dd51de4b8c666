//! Numbers by their digits: integers of fields, and floats where one division gives the right one.
//!
//! Invariant: a float is the nearest one to what is written, as [`str::parse`] gives it.

use super::number::Float;

/// An integer as far as it is digits: its sign and its magnitude.
#[derive(Clone, Copy)]
pub(super) struct Digits {
    pub(super) is_negative: bool,
    pub(super) magnitude: u64,
}

/// The integers of fields.
pub(super) trait FromDigits: Sized {
    /// `None` if it is beyond the type.
    fn from_digits(digits: Digits) -> Option<Self>;
}

macro_rules! integers {
    ($($type:ty)*) => {$(
        impl FromDigits for $type {
            #[inline(always)]
            fn from_digits(digits: Digits) -> Option<Self> {
                match digits {
                    Digits { is_negative: false, magnitude } => Self::try_from(magnitude).ok(),
                    Digits { is_negative: true, magnitude } => {
                        let below = 0_i64.checked_sub_unsigned(magnitude)?;
                        Self::try_from(below).ok()
                    }
                }
            }
        }
    )*};
}

integers!(i32 i64 u32 u64);

/// A number as it is written without an exponent: the digits as an integer, and how many of them
/// stand behind the point.
#[derive(Clone, Copy)]
pub(super) struct Decimal {
    pub(super) is_negative: bool,
    pub(super) mantissa: u64,
    pub(super) places: usize,
    /// Whether `mantissa` holds all digits.
    pub(super) is_whole: bool,
}

impl Decimal {
    /// The nearest double. Where a double holds the digits and the power of ten exactly, IEEE 754
    /// rounds their quotient correctly.
    #[inline(always)]
    fn quotient(self) -> Option<f64> {
        let power = *POWERS.get(self.places)?;
        if !self.is_whole || self.mantissa > 1 << f64::MANTISSA_DIGITS {
            return None;
        }
        let magnitude = self.mantissa as f64 / power;
        Some(if self.is_negative { -magnitude } else { magnitude })
    }
}

/// The floats of fields.
pub(super) trait FromDecimal: Float {
    /// The float; `None` if its text has to be asked.
    fn from_decimal(decimal: Decimal) -> Option<Self>;
}

impl FromDecimal for f64 {
    #[inline(always)]
    fn from_decimal(decimal: Decimal) -> Option<Self> {
        decimal.quotient()
    }
}

impl FromDecimal for f32 {
    #[inline(always)]
    fn from_decimal(decimal: Decimal) -> Option<Self> {
        decimal.quotient().and_then(narrowed)
    }
}

/// The float nearest to a number of which `double` is the nearest double; `None` where that cannot
/// be told: in the middle between two floats, and where floats have fewer bits.
#[inline(always)]
fn narrowed(double: f64) -> Option<f32> {
    let dropped = f64::MANTISSA_DIGITS - f32::MANTISSA_DIGITS;
    let is_middle = double.to_bits() << (64 - dropped) == 1 << 63;
    let is_normal = (1e-37..1e38).contains(&double.abs()) || double == 0.0;
    (is_normal && !is_middle).then_some(double as f32)
}

/// The powers of ten that doubles hold exactly.
const POWERS: [f64; 23] = [
    1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15, 1e16,
    1e17, 1e18, 1e19, 1e20, 1e21, 1e22,
];
