//! The lines that the crate `measure` writes, read back.

use crate::words::{self, Word};
use anyhow::{Context, Result, bail};
use serde::Serialize;

/// Transitions of one operation; `None` is unknown.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
pub struct Transitions {
    /// VM exits, counted by the kernel.
    pub exits: Option<f64>,
    /// VMFUNCs, declared beside the source.
    pub vmfunc: Option<f64>,
    /// Loads of CR3, counted in a run of their own.
    pub cr3: Option<f64>,
    /// Switches to another ring and back, declared beside the source.
    pub ring: Option<f64>,
    /// Exceptions and interrupts delivered, declared beside the source.
    pub exception: Option<f64>,
}

/// How many runs took how long.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Histogram {
    /// Operations of a run.
    pub each: u64,
    /// Ticks of a run, at least, and how many runs, ascending.
    pub bars: Vec<(u64, u64)>,
}

/// What was measured of one operation.
#[derive(Clone, Debug, PartialEq)]
pub struct Measured {
    /// Name of the operation.
    pub id: String,
    /// Half the runs took at most so much for one operation.
    pub median: f64,
    /// 99 of 100 took at most so much.
    pub p99: f64,
    /// The best took so much.
    pub min: f64,
    /// How many operations.
    pub iterations: u64,
    /// In how many runs.
    pub runs: u64,
    /// Transitions of one operation.
    pub transitions: Transitions,
    /// The distribution.
    pub histogram: Histogram,
}

/// A positive control.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Control {
    /// What was done.
    pub id: String,
    /// How often.
    pub done: u64,
    /// How often the counters saw it.
    pub counted: u64,
}

/// All that one program wrote.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Output {
    /// Its rows.
    pub rows: Vec<Measured>,
    /// Its controls.
    pub controls: Vec<Control>,
}

/// Reads a program's lines; those that are not of this format are nothing.
pub fn read(text: &str) -> Result<Output> {
    let mut output = Output::default();
    for line in text.lines() {
        add(&mut output, line).with_context(|| format!("the bench wrote: {line}"))?;
    }
    for row in &output.rows {
        let runs: u64 = row.histogram.bars.iter().map(|(_, count)| count).sum();
        if runs != row.runs || runs == 0 {
            bail!("{}: the histogram holds {runs} of {} runs", row.id, row.runs);
        }
    }
    Ok(output)
}

impl Output {
    /// Fails unless what was done on purpose was counted, each time: else a row without transitions says nothing.
    pub fn controlled(&self, id: &str) -> Result<()> {
        let control = self.controls.iter().find(|control| control.id == id);
        match control {
            Some(control) if control.done >= 1_000 && control.done == control.counted => Ok(()),
            Some(control) => bail!("the counters saw {} of {} times {id}", control.counted, control.done),
            None => bail!("there is no positive control for {id} in the run"),
        }
    }
}

fn add(output: &mut Output, line: &str) -> Result<()> {
    match line.split_once(' ') {
        Some(("bench", rest)) => output.rows.push(row(&Fields(words::parse(rest)?))?),
        Some(("histogram", rest)) => {
            let (head, bars) = rest.rsplit_once(' ').context("there are no bars")?;
            let fields = Fields(words::parse(head)?);
            let last = output.rows.last_mut().filter(|row| fields.text("id").is_some_and(|id| id == row.id));
            let row = last.context("no row is before its histogram")?;
            row.histogram = Histogram { each: fields.whole("each")?, bars: self::bars(bars)? };
        }
        Some(("control", rest)) => {
            let fields = Fields(words::parse(rest)?);
            let id = fields.text("id").context("id is missing")?.to_owned();
            output.controls.push(Control { id, done: fields.whole("done")?, counted: fields.whole("counted")? });
        }
        _ => {}
    }
    Ok(())
}

fn bars(text: &str) -> Result<Vec<(u64, u64)>> {
    let pair = |bar: &str| {
        let (bound, count) = bar.split_once(':').with_context(|| format!("a bar is BOUND:COUNT, not {bar}"))?;
        Ok((bound.parse()?, count.parse()?))
    };
    text.split(',').map(pair).collect()
}

fn row(fields: &Fields) -> Result<Measured> {
    if fields.text("unit") != Some("ticks") {
        bail!("the unit must be ticks");
    }
    Ok(Measured {
        id: fields.text("id").context("id is missing")?.to_owned(),
        median: fields.number("median")?,
        p99: fields.number("p99")?,
        min: fields.number("min")?,
        iterations: fields.whole("iterations")?,
        runs: fields.whole("runs")?,
        transitions: Transitions {
            exits: fields.optional("exits")?,
            vmfunc: fields.optional("vmfunc")?,
            cr3: fields.optional("cr3")?,
            ring: fields.optional("ring")?,
            exception: fields.optional("exception")?,
        },
        histogram: Histogram::default(),
    })
}

struct Fields(Vec<Word>);

impl Fields {
    fn text(&self, key: &str) -> Option<&str> {
        self.0.iter().find(|word| word.key == key).and_then(|word| word.value.as_deref())
    }

    fn optional(&self, key: &str) -> Result<Option<f64>> {
        let Some(text) = self.text(key) else { return Ok(None) };
        let value: f64 = text.parse().with_context(|| format!("{key}={text}"))?;
        if !value.is_finite() || value < 0.0 {
            bail!("{key}={text} is no figure");
        }
        Ok(Some(value))
    }

    fn number(&self, key: &str) -> Result<f64> {
        self.optional(key)?.with_context(|| format!("{key} is missing"))
    }

    fn whole(&self, key: &str) -> Result<u64> {
        let text = self.text(key).with_context(|| format!("{key} is missing"))?;
        text.parse().with_context(|| format!("{key}={text}"))
    }
}

#[cfg(test)]
mod tests {
    use super::read;

    pub(crate) const LINES: &str = "control id=cpuid done=1000 counted=1000\n\
        bench id=null-call unit=ticks median=45 p99=46 min=45 iterations=200 runs=200 exits=1.003 vmfunc=0 ring=0\n\
        histogram id=null-call each=1 45:190,46:10\n";

    #[test]
    fn lines_are_read() {
        let output = read(LINES).unwrap();
        let row = &output.rows[0];
        assert_eq!((row.median, row.runs, row.transitions.exits, row.transitions.cr3), (45.0, 200, Some(1.003), None));
        assert_eq!(row.histogram.bars, [(45, 190), (46, 10)]);
        output.controlled("cpuid").unwrap();
        assert!(output.controlled("cr3").is_err(), "nobody did that on purpose");
    }

    #[test]
    fn broken_lines_are_errors() {
        assert_eq!(read("hello\nbenchmarks begin\n").unwrap().rows, []);
        let broken = [
            ("median=45", ""),
            ("unit=ticks", "unit=cycles"),
            ("45:190", "45:189"),
            ("46:10", "46"),
            ("p99=46", "p99=-1"),
        ];
        for (from, to) in broken {
            assert!(LINES.contains(from));
            assert!(read(&LINES.replace(from, to)).is_err(), "{to}");
        }
        let lost = read(&LINES.replace("counted=1000", "counted=999")).unwrap();
        assert!(lost.controlled("cpuid").is_err());
    }
}
