//! Parts of a tensor as rows; packs and unpacks one part.

use bytemuck::Pod;

use crate::parts::runs::PART;

/// Whole rows of a tensor, or some columns of one row. These columns begin at a whole byte of the row's bits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct RowPart {
    pub(super) row: usize,
    pub(super) rows: usize,
    pub(super) column: usize,
    pub(super) columns: usize,
}

impl RowPart {
    pub(super) fn elements(self) -> usize {
        self.rows * self.columns
    }

    /// The number of bytes that its bits take.
    pub(super) fn bytes(self) -> usize {
        self.rows * self.columns.div_ceil(8)
    }
}

/// The parts of a tensor of `rows` and `columns`, neither of them 0.
pub(super) fn parts(rows: usize, columns: usize) -> impl Iterator<Item = RowPart> {
    let rows_a_part = (PART / columns).max(1);
    (0..rows).step_by(rows_a_part).flat_map(move |row| {
        let rows = rows_a_part.min(rows - row);
        (0..columns).step_by(PART).map(move |column| RowPart { row, rows, column, columns: PART.min(columns - column) })
    })
}

/// The number of elements that have a set bit.
pub(super) fn count(bytes: &[u8], size: usize) -> usize {
    fn non_zeros<W: Pod + PartialEq + Default>(bytes: &[u8]) -> usize {
        bytemuck::cast_slice::<u8, W>(bytes).iter().filter(|&&word| word != W::default()).count()
    }
    match size {
        2 => non_zeros::<u16>(bytes),
        4 => non_zeros::<u32>(bytes),
        _ => non_zeros::<u64>(bytes),
    }
}

/// Moves the elements that have a set bit to the front, sets their bits in `bits`, and calls `row` with the number in
/// each row. Returns the number of bytes at the front.
pub(super) fn pack(bytes: &mut [u8], size: usize, columns: usize, bits: &mut Vec<u8>, row: impl FnMut(usize)) -> usize {
    fn of<W: Pod + PartialEq + Default>(
        bytes: &mut [u8],
        columns: usize,
        bits: &mut Vec<u8>,
        mut row: impl FnMut(usize),
    ) -> usize {
        let words = bytemuck::cast_slice_mut::<u8, W>(bytes);
        let mut done = 0;
        for first in (0..words.len()).step_by(columns) {
            let before = done;
            for start in (first..first + columns).step_by(8) {
                let mut byte = 0;
                for i in start..(start + 8).min(first + columns) {
                    let word = words[i];
                    let set = word != W::default();
                    words[done] = word;
                    done += usize::from(set);
                    byte |= u8::from(set) << (i - start);
                }
                bits.push(byte);
            }
            row(done - before);
        }
        done * size_of::<W>()
    }
    bits.clear();
    match size {
        2 => of::<u16>(bytes, columns, bits, row),
        4 => of::<u32>(bytes, columns, bits, row),
        _ => of::<u64>(bytes, columns, bits, row),
    }
}

/// The number of values in the rows of these bits; `None` if a bit is set past the end of a row.
pub(super) fn count_bits(bits: &[u8], columns: usize, mut row: impl FnMut(usize)) -> Option<usize> {
    let mut sum = 0;
    for bytes in bits.chunks_exact(columns.div_ceil(8)) {
        let last = bytes.last().copied().unwrap_or_default();
        if !columns.is_multiple_of(8) && last >> (columns % 8) != 0 {
            return None;
        }
        let count = bytes.iter().map(|byte| byte.count_ones() as usize).sum();
        row(count);
        sum += count;
    }
    Some(sum)
}

/// Writes the values to the places whose bits are set, and zeros to all other places.
pub(super) fn unpack(bits: &[u8], values: &[u8], size: usize, columns: usize, into: &mut [u8]) {
    fn of<W: Pod + Default>(bits: &[u8], values: &[u8], columns: usize, into: &mut [u8]) {
        let mut values = bytemuck::cast_slice::<u8, W>(values).iter().copied();
        let rows = bytemuck::cast_slice_mut::<u8, W>(into).chunks_exact_mut(columns);
        for (row, bits) in rows.zip(bits.chunks_exact(columns.div_ceil(8))) {
            for (words, byte) in row.chunks_mut(8).zip(bits) {
                for (bit, word) in words.iter_mut().enumerate() {
                    // There are exactly as many values as set bits.
                    *word = if byte >> bit & 1 == 1 { values.next().unwrap_or_default() } else { W::default() };
                }
            }
        }
    }
    match size {
        2 => of::<u16>(bits, values, columns, into),
        4 => of::<u32>(bits, values, columns, into),
        _ => of::<u64>(bits, values, columns, into),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn what_is_packed_is_unpacked(
            columns in 1usize..40,
            seed in prop::collection::vec(prop_oneof![3 => Just(0u64), 1 => any::<u64>(), 1 => Just(1 << 63)], 0..200),
            size in prop::sample::select(vec![2usize, 4, 8]),
        ) {
            let rows = seed.len() / columns;
            let words = &seed[..rows * columns];
            let bytes: Vec<u8> = words.iter().flat_map(|word| word.to_le_bytes()[8 - size..].to_vec()).collect();
            // The bytes are aligned, as in buffers.
            let mut buffer = crate::parts::buffer::Buffer::default();
            buffer.bytes_mut(bytes.len()).copy_from_slice(&bytes);
            let total = count(buffer.bytes(bytes.len()), size);
            let (mut bits, mut counts) = (Vec::new(), Vec::new());
            let packed = pack(buffer.bytes_mut(bytes.len()), size, columns, &mut bits, |count| counts.push(count));
            prop_assert_eq!(packed, total * size);
            prop_assert_eq!(counts.iter().sum::<usize>(), total);
            prop_assert_eq!(bits.len(), rows * columns.div_ceil(8));
            for (i, element) in bytes.chunks(size).enumerate() {
                let (row, column) = (i / columns, i % columns);
                let bit = bits[row * columns.div_ceil(8) + column / 8] >> (column % 8) & 1 == 1;
                prop_assert_eq!(bit, element.iter().any(|&byte| byte != 0));
            }
            let mut again = Vec::new();
            prop_assert_eq!(count_bits(&bits, columns, |count| again.push(count)), Some(total));
            prop_assert_eq!(&again, &counts);
            let mut back = crate::parts::buffer::Buffer::default();
            unpack(&bits, buffer.bytes(packed), size, columns, back.bytes_mut(bytes.len()));
            prop_assert_eq!(back.bytes(bytes.len()), &bytes[..]);
            if columns % 8 != 0 && rows > 0 {
                let end = columns.div_ceil(8) - 1;
                bits[end] |= 0x80;
                prop_assert_eq!(count_bits(&bits, columns, |_| ()), None);
            }
        }

        #[test]
        fn parts_hold_everything_once(rows in 1usize..40, columns in prop_oneof![1usize..300, PART - 3..3 * PART]) {
            let mut next = 0;
            for part in parts(rows, columns) {
                prop_assert_eq!(part.row * columns + part.column, next);
                prop_assert!(part.column % 8 == 0 && (part.rows == 1 || part.columns == columns));
                next += part.elements();
            }
            prop_assert_eq!(next, rows * columns);
        }
    }
}
