// SPDX-License-Identifier: GPL-2.0

//! What the parameters of a cell add up to over stretches of windows.

use crate::{
    output::Table,
    profile_file::Saved,
    text,
    view::{
        field::{
            self,
            Face,
            Field, //
        },
        value::Value, //
    }, //
};
use kis_core::{
    sense::{
        stretch::Stretch,
        total::Total, //
    },
    wire::abi::Param, //
};

/// What was learned of one parameter and stretches of one length.
#[derive(Clone, Copy, Debug)]
pub struct Sum {
    param: Param,
    stretch: Stretch,
    over_ms: u64,
    total: Total,
    threshold: Option<u64>,
}

/// Names the type once for all fields.
type Of = Field<Sum>;

/// The fields of a sum in `kisctl profile show`.
const FIELDS: &[Of] = &[
    Of::new("param", |sum| sum.param.name().into()).column(1, "PARAMETER"),
    Of::new("unit", |sum| sum.param.unit().name().into()).column(8, "UNIT"),
    Of::new("stretch", |sum| sum.stretch.windows().into()),
    Of::new("over_ms", |sum| sum.over_ms.into())
        .shown(|sum| text::span_ms(sum.over_ms).into())
        .column(2, ">IN"),
    Of::new("n", |sum| sum.total.n().into()).column(3, ">LEARNED"),
    Of::new("minimum", |sum| sum.total.minimum().into()).column(4, ">MIN"),
    Of::new("mean", |sum| Value::Q16(sum.total.mean_q16())).column(5, ">MEAN"),
    Of::new("peak", |sum| sum.total.peak().into()).column(6, ">PEAK"),
    Of::new("threshold_one", |sum| sum.threshold.into()).column(7, ">ONE"),
];

/// The sums of which something was learned.
pub fn all(saved: &Saved, window_ms: u32) -> Vec<Sum> {
    let each = Stretch::SUMS
        .into_iter()
        .flat_map(|stretch| Param::ALL.map(|param| (param, stretch)));
    each.filter_map(|(param, stretch)| {
        let total = *saved.profile.total(param, stretch)?;
        let [threshold, _] = saved.profile.sum_lines(param, stretch).usual.lines();
        (total.n() > 0).then_some(Sum {
            param,
            stretch,
            over_ms: u64::from(window_ms) * u64::from(stretch.windows()),
            total,
            threshold,
        })
    })
    .collect()
}

/// Sums as JSON.
pub fn objects(sums: &[Sum]) -> Value {
    field::objects(FIELDS, sums)
}

/// Sums as a table.
pub fn table(sums: &[Sum]) -> Table {
    field::columns(FIELDS, Face::Column, sums)
}
