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
        total::Total,
        traffic::Traffic, //
    },
    wire::abi::Param, //
};

/// What was learned of one parameter, or of what one peer is sent, and stretches of one length.
#[derive(Clone, Copy, Debug)]
pub struct Sum {
    name: &'static str,
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
    Of::new("param", |sum| sum.name.into()).column(1, "PARAMETER"),
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
    let profile = &saved.profile;
    let sum = |name, param, stretch: Stretch, total: Total, threshold| Sum {
        name,
        param,
        stretch,
        over_ms: u64::from(window_ms) * u64::from(stretch.windows()),
        total,
        threshold,
    };
    let each = Stretch::SUMS
        .into_iter()
        .flat_map(|stretch| Param::ALL.map(|param| (param, stretch)));
    let params = each.filter_map(|(param, stretch)| {
        let total = *profile.total(param, stretch)?;
        let [threshold, _] = profile.sum_lines(param, stretch).usual.lines();
        Some(sum(param.name(), param, stretch, total, threshold))
    });
    let peers = Traffic::ALL.into_iter().map(|kind| {
        let threshold = Some(profile.peer_line(kind).one).filter(|line| *line != u64::MAX);
        let total = *profile.peer(kind);
        sum(kind.name(), kind.param(), Stretch::Short, total, threshold)
    });
    let all = params.chain(peers);
    all.filter(|sum| sum.total.n() > 0).collect()
}

/// Sums as JSON.
pub fn objects(sums: &[Sum]) -> Value {
    field::objects(FIELDS, sums)
}

/// Sums as a table.
pub fn table(sums: &[Sum]) -> Table {
    field::columns(FIELDS, Face::Column, sums)
}
