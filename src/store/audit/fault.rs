//! What can be wrong with the chain, and which of it is most likely where a row does not fit.

use std::fmt;

use super::Auditor;
use super::encoding::{ChainRow, Mac};

/// The first thing that is wrong with the chain.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// The row says something else than was written, with the code of what was written.
    Edited(i64),
    /// The row was written without the audit key: edited, alone or with its code, or added.
    Forged(i64),
    /// There is no row of this number, and there are later ones.
    Removed(i64),
    /// A row before this one is gone, and those after it were given lower numbers.
    RemovedBefore(i64),
    /// The row does not belong here: those after it are written for one place earlier.
    Inserted(i64),
    /// The rows of these two numbers have changed places.
    Exchanged(i64, i64),
    /// What belongs to the row and may be erased says something else than was written.
    DetailEdited(i64),
    /// There is a detail to a row that has none.
    DetailInserted(i64),
    /// The rows from this number to that one, the last, are gone.
    TailRemoved(i64, i64),
    /// There are rows after the one that the head names; this is the first.
    BeyondHead(i64),
    /// The head has another code than the row it names.
    HeadEdited(i64),
    /// The row that names the last one is gone.
    HeadRemoved,
    /// The row of this number fits its neighbours, and is not the one that was noted.
    NotTheExpected(i64),
    /// The chain ends at the first number, before the one that was noted.
    ShorterThanExpected(i64, i64),
}

impl Fault {
    /// A word that stays the same for ever.
    pub fn name(self) -> &'static str {
        match self {
            Self::Edited(_) => "edited",
            Self::Forged(_) => "forged",
            Self::Removed(_) | Self::RemovedBefore(_) => "removed",
            Self::Inserted(_) => "inserted",
            Self::Exchanged(..) => "reordered",
            Self::DetailEdited(_) => "detail_edited",
            Self::DetailInserted(_) => "detail_inserted",
            Self::TailRemoved(..) => "tail_removed",
            Self::BeyondHead(_) => "head_behind",
            Self::HeadEdited(_) => "head_edited",
            Self::HeadRemoved => "head_removed",
            Self::NotTheExpected(_) => "not_the_expected",
            Self::ShorterThanExpected(..) => "shorter_than_expected",
        }
    }

    /// The number of the first wrong row; none where it is the head that is gone.
    pub fn row(self) -> Option<i64> {
        match self {
            Self::Edited(row)
            | Self::Forged(row)
            | Self::Removed(row)
            | Self::RemovedBefore(row)
            | Self::Inserted(row)
            | Self::Exchanged(row, _)
            | Self::DetailEdited(row)
            | Self::DetailInserted(row)
            | Self::TailRemoved(row, _)
            | Self::BeyondHead(row)
            | Self::HeadEdited(row)
            | Self::NotTheExpected(row) => Some(row),
            Self::ShorterThanExpected(last, _) => Some(last + 1),
            Self::HeadRemoved => None,
        }
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Edited(row) => write!(f, "row {row} was edited after it was written"),
            Self::Forged(row) => write!(
                f,
                "row {row} was written by somebody without the audit key: its code is not that of \
                 what it says, and nothing tells whether it was edited or added"
            ),
            Self::Removed(row) => write!(f, "row {row} was removed"),
            Self::RemovedBefore(row) => write!(
                f,
                "a row was removed just before what is now row {row}, and the rows after it were \
                 given lower numbers"
            ),
            Self::Inserted(row) => {
                write!(f, "row {row} was inserted: the rows after it were written without it")
            }
            Self::Exchanged(one, other) => {
                write!(f, "rows {one} and {other} were reordered: they have changed places")
            }
            Self::DetailEdited(row) => write!(f, "the detail of row {row} was edited"),
            Self::DetailInserted(row) => {
                write!(f, "row {row} was written without a detail, and now has one")
            }
            Self::TailRemoved(first, last) if first == last => {
                write!(f, "row {first}, the last one, was removed")
            }
            Self::TailRemoved(first, last) => {
                write!(f, "rows {first} to {last}, the last ones, were removed")
            }
            Self::BeyondHead(row) => {
                write!(f, "the head is behind: it was set back, and names none from row {row} on")
            }
            Self::HeadEdited(row) => {
                write!(f, "the head was edited: its code is not that of row {row}, which it names")
            }
            Self::HeadRemoved => write!(f, "the head was removed"),
            Self::NotTheExpected(row) => write!(
                f,
                "row {row} is not the one that was noted: the chain was written anew, by somebody \
                 who has the audit key"
            ),
            Self::ShorterThanExpected(last, noted) => write!(
                f,
                "the chain ends at row {last}, and row {noted} was noted: its end was removed, or \
                 an older backup was restored"
            ),
        }
    }
}

/// What happened where a row does not fit the one before it. `later` are the rows after it, as many
/// as are at hand.
pub(super) fn diagnose(
    auditor: &Auditor,
    before: &Mac,
    row: &ChainRow,
    later: &[ChainRow],
) -> Fault {
    let at = row.seq;
    let made = |row: &ChainRow, seq: i64, before: &[u8]| {
        auditor.mac(&row.message_as(seq, before)).as_slice() == row.mac
    };
    // The row that belongs here may stand later, under another number.
    if let Some(found) = later.iter().find(|one| made(one, at, before)) {
        let next = later.first().filter(|next| next.seq == at + 1);
        return match next {
            // It stands right behind, and so does all that follows it, each one place too far.
            Some(next) if next.seq == found.seq && !made(row, at + 1, &next.mac) => {
                Fault::Inserted(at)
            }
            _ => Fault::Exchanged(at, found.seq),
        };
    }
    match later.first() {
        Some(next) if made(next, next.seq, &row.mac) => Fault::Edited(at),
        Some(next) if made(next, next.seq + 1, &row.mac) => Fault::RemovedBefore(at),
        Some(_) | None => Fault::Forged(at),
    }
}
