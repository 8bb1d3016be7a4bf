//! Walks the chain and says what is wrong first. It reads page by page, so it needs no more memory
//! for a long chain than for a short one.

use sea_orm::{ConnectionTrait, FromQueryResult, QueryResult};

use crate::store::{Store, StoreError};

use super::append::head;
use super::encoding::{ChainRow, GENESIS, Mac};
use super::fault::{Fault, diagnose};
use super::{Auditor, Head};

/// Rows that are read at a time.
const PAGE: i64 = 500;

/// What was found of the chain.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Verified {
    /// The last row that fits: to be noted down, where nothing is wrong.
    pub head: Head,
    /// Rows whose detail was erased; that is no fault.
    pub erased: u64,
    /// What is wrong first.
    pub fault: Option<Fault>,
}

/// A row with what may be erased of it.
#[derive(FromQueryResult)]
struct Whole {
    #[sea_orm(nested)]
    row: ChainRow,
    salt: Option<Vec<u8>>,
    detail: Option<String>,
}

/// How far the walk has come.
struct Walk<'a> {
    auditor: &'a Auditor,
    expected: Option<Head>,
    last: Head,
    erased: u64,
}

impl Store {
    /// Walks the whole chain as it is now. Where `expected` was noted earlier, it must be in it.
    /// `progress` is told how many rows were read and how many there are.
    pub async fn verify_audit(
        &self,
        expected: Option<Head>,
        mut progress: impl FnMut(i64, i64),
    ) -> Result<Verified, StoreError> {
        let auditor = self.auditor.as_ref().ok_or(StoreError::NotAudited)?;
        // Rows that are appended meanwhile come after the head that is read here.
        let (end, longest) = self.chain_end().await?;
        let last = Head { seq: 0, mac: *GENESIS };
        let mut walk = Walk { auditor, expected, last, erased: 0 };
        let until = end.map_or(longest, |end| end.seq);
        let fault = loop {
            progress(walk.last.seq, until.max(walk.last.seq));
            let page = self.chain_page(walk.last.seq, until).await?;
            if page.is_empty() {
                break None;
            }
            if let Some(fault) = self.walk_page(&mut walk, &page).await? {
                break Some(fault);
            }
        };
        let fault = match fault {
            Some(fault) => Some(fault),
            None => self.end_fault(&walk, end, longest).await?,
        };
        Ok(Verified { head: walk.last, erased: walk.erased, fault })
    }

    async fn walk_page(
        &self,
        walk: &mut Walk<'_>,
        page: &[Whole],
    ) -> Result<Option<Fault>, StoreError> {
        for whole in page {
            let row = &whole.row;
            if row.seq != walk.last.seq + 1 {
                return Ok(Some(Fault::Removed(walk.last.seq + 1)));
            }
            if !walk.fits(row) {
                return Ok(Some(self.diagnosed(walk, row).await?));
            }
            if let Some(fault) = walk.pass(whole) {
                return Ok(Some(fault));
            }
        }
        Ok(None)
    }

    /// Looks through all that comes after a row that does not fit.
    async fn diagnosed(&self, walk: &Walk<'_>, row: &ChainRow) -> Result<Fault, StoreError> {
        let (before, mut after) = (&walk.last.mac, row.seq);
        loop {
            let page = self.chain_page(after, i64::MAX).await?;
            let later: Vec<ChainRow> = page.into_iter().map(|whole| whole.row).collect();
            let fault = diagnose(walk.auditor, before, row, &later);
            match later.last() {
                // What belongs here may stand further on.
                Some(last) if matches!(fault, Fault::Forged(_)) => after = last.seq,
                Some(_) | None => return Ok(fault),
            }
        }
    }

    /// What is wrong with the end of a chain whose rows fit each other.
    async fn end_fault(
        &self,
        walk: &Walk<'_>,
        end: Option<Head>,
        longest: i64,
    ) -> Result<Option<Fault>, StoreError> {
        let last = walk.last;
        if let Some(noted) = walk.expected
            && noted.seq > last.seq
        {
            return Ok(Some(Fault::ShorterThanExpected(last.seq, noted.seq)));
        }
        let Some(end) = end else { return Ok(Some(Fault::HeadRemoved)) };
        if end.seq > last.seq {
            return Ok(Some(Fault::TailRemoved(last.seq + 1, end.seq)));
        }
        if end.mac != last.mac {
            return Ok(Some(Fault::HeadEdited(end.seq)));
        }
        if longest > end.seq {
            let page = self.chain_page(end.seq, longest).await?;
            let fault = page.first().map(|Whole { row, .. }| {
                if row.seq == end.seq + 1 && walk.fits(row) {
                    Fault::BeyondHead(row.seq)
                } else {
                    Fault::Forged(row.seq)
                }
            });
            return Ok(fault);
        }
        let sql = "SELECT MIN(d.seq) AS seq FROM audit_detail d WHERE d.seq > $1 OR d.seq < 1";
        let row = self.read.query_one_raw(self.statement(sql, [longest.into()])).await?;
        // Whoever appends at this moment is seen with both rows or with none.
        let stray: Option<i64> = row.map_or(Ok(None), |row| row.try_get("", "seq"))?;
        Ok(match stray {
            Some(seq) if !self.has_row(seq).await? => Some(Fault::DetailInserted(seq)),
            Some(_) | None => None,
        })
    }

    async fn has_row(&self, seq: i64) -> Result<bool, StoreError> {
        let statement = self.statement("SELECT seq FROM audit WHERE seq = $1", [seq.into()]);
        Ok(self.read.query_one_raw(statement).await?.is_some())
    }

    /// The head and the highest number of a row, both of one moment.
    async fn chain_end(&self) -> Result<(Option<Head>, i64), StoreError> {
        let sql = "SELECT h.seq, h.mac, m.longest FROM \
                   (SELECT COALESCE(MAX(seq), 0) AS longest FROM audit) m \
                   LEFT JOIN audit_head h ON h.id = 1";
        let Some(row) = self.read.query_one_raw(self.statement(sql, [])).await? else {
            return Ok((None, 0));
        };
        let seq: Option<i64> = row.try_get("", "seq")?;
        let mac: Option<Vec<u8>> = row.try_get("", "mac")?;
        Ok((seq.map(|seq| head(seq, &mac.unwrap_or_default())), row.try_get("", "longest")?))
    }

    async fn chain_page(&self, after: i64, until: i64) -> Result<Vec<Whole>, StoreError> {
        let sql = "SELECT a.seq, a.at, a.action, a.tenant_id, a.generation, a.actor_kind, \
                   a.actor_id, a.outcome, a.facts, a.detail_digest, a.mac, d.salt, d.detail \
                   FROM audit a LEFT JOIN audit_detail d ON d.seq = a.seq \
                   WHERE a.seq > $1 AND a.seq <= $2 ORDER BY a.seq LIMIT $3";
        let values = [after.into(), until.into(), PAGE.into()];
        let rows = self.read.query_all_raw(self.statement(sql, values)).await?;
        let whole = |row: &QueryResult| Whole::from_query_result(row, "");
        Ok(rows.iter().map(whole).collect::<Result<_, _>>()?)
    }
}

impl Walk<'_> {
    /// Whether the row was written after the last one.
    fn fits(&self, row: &ChainRow) -> bool {
        let mac: Mac = self.auditor.mac(&row.message(&self.last.mac));
        mac.as_slice() == row.mac
    }

    /// Goes on to a row that fits, unless what hangs on it is wrong.
    fn pass(&mut self, whole: &Whole) -> Option<Fault> {
        let Whole { row, salt, detail } = whole;
        match (&row.detail_digest, detail) {
            (Some(digest), Some(detail)) => {
                let salt = salt.as_deref().unwrap_or_default();
                if self.auditor.digest(salt, detail).as_slice() != digest {
                    return Some(Fault::DetailEdited(row.seq));
                }
            }
            (Some(_), None) => self.erased += 1,
            (None, Some(_)) => return Some(Fault::DetailInserted(row.seq)),
            (None, None) => {}
        }
        self.last = head(row.seq, &row.mac);
        match self.expected {
            Some(noted) if noted.seq == row.seq && noted.mac != self.last.mac => {
                Some(Fault::NotTheExpected(row.seq))
            }
            Some(_) | None => None,
        }
    }
}
