//! A number or a product of symbols.

use std::collections::HashMap;

/// A whole number times symbols. Each symbol stands for a length that is known only when the model runs.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct Size {
    times: i64,
    /// Sorted. A power is a symbol several times.
    symbols: Vec<u32>,
}

impl Size {
    pub(crate) fn known(times: i64) -> Self {
        Size { times, symbols: Vec::new() }
    }

    pub(crate) fn of(length: usize) -> Self {
        Size::known(i64::try_from(length).unwrap_or(i64::MAX))
    }

    /// The number, if the size has no symbols.
    pub(crate) fn number(&self) -> Option<i64> {
        (self.symbols.is_empty() || self.times == 0).then_some(self.times)
    }

    /// The number as a length.
    pub(crate) fn length(&self) -> Option<usize> {
        self.number().and_then(|n| usize::try_from(n).ok())
    }

    /// The number that multiplies the symbols, if there are symbols and the number is more than 1.
    pub(crate) fn run(&self) -> Option<usize> {
        usize::try_from(self.times).ok().filter(|&run| run > 1 && !self.symbols.is_empty())
    }

    pub(crate) fn is_one(&self) -> bool {
        self.number() == Some(1)
    }

    /// True if this is certainly a length: symbols stand for lengths, which are not negative.
    pub(crate) fn is_length(&self) -> bool {
        self.times >= 0
    }

    pub(crate) fn times(&self, other: &Size) -> Option<Size> {
        let times = self.times.checked_mul(other.times)?;
        let mut symbols = [self.symbols.as_slice(), &other.symbols].concat();
        symbols.sort_unstable();
        // No real model has a longer product.
        (symbols.len() <= 64).then_some(Size { times, symbols })
    }

    pub(crate) fn product<'s>(sizes: impl IntoIterator<Item = &'s Size>) -> Option<Size> {
        sizes.into_iter().try_fold(Size::known(1), |product, size| product.times(size))
    }

    /// The quotient, if it is whole for any values of the symbols except 0.
    pub(crate) fn over(&self, other: &Size) -> Option<Size> {
        if other.times == 0 || self.times % other.times != 0 {
            return None;
        }
        let mut symbols = self.symbols.clone();
        for symbol in &other.symbols {
            let at = symbols.iter().position(|own| own == symbol)?;
            symbols.remove(at);
        }
        Some(Size { times: self.times / other.times, symbols })
    }

    pub(crate) fn plus(&self, other: &Size) -> Option<Size> {
        if self.times == 0 {
            return Some(other.clone());
        }
        if other.times == 0 {
            return Some(self.clone());
        }
        if self.symbols != other.symbols {
            return None;
        }
        Some(Size { times: self.times.checked_add(other.times)?, symbols: self.symbols.clone() })
    }

    pub(crate) fn negated(&self) -> Option<Size> {
        Some(Size { times: self.times.checked_neg()?, symbols: self.symbols.clone() })
    }
}

/// The symbols that exist: one for each name, and nameless ones.
#[derive(Debug, Default)]
pub(crate) struct Symbols {
    next: u32,
    names: HashMap<String, u32>,
}

impl Symbols {
    pub(crate) fn fresh(&mut self) -> Size {
        self.next += 1;
        Size { times: 1, symbols: vec![self.next] }
    }

    pub(crate) fn named(&mut self, name: &str) -> Size {
        if let Some(&symbol) = self.names.get(name) {
            return Size { times: 1, symbols: vec![symbol] };
        }
        let size = self.fresh();
        self.names.insert(name.to_owned(), self.next);
        size
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn products_and_quotients_cancel() {
        let mut symbols = Symbols::default();
        let (n, t) = (symbols.named("n"), symbols.named("t"));
        let product = Size::product([&n, &Size::known(12), &t]).expect("small");
        assert_eq!(product.over(&t).and_then(|rest| rest.over(&n)), Some(Size::known(12)));
        assert_eq!(product.over(&Size::known(5)), None);
        assert_eq!(n.over(&t), None);
        assert_eq!(symbols.named("n"), n);
        assert_eq!(n.plus(&n), Size::known(2).times(&n));
        assert_eq!(n.plus(&t), None);
    }

    #[test]
    fn numbers_that_overflow_are_not_known() {
        let most = Size::known(i64::MAX);
        assert_eq!(most.times(&Size::known(2)), None);
        assert_eq!(most.plus(&Size::known(1)), None);
        assert_eq!(Size::known(i64::MIN).negated(), None);
    }
}
