//! The share kept of each layer, as bars side by side.

use plotters::element::Rectangle;
use plotters::prelude::DrawingBackend;
use plotters::style::text_anchor::HPos;
use plotters::style::{Color, WHITE};

use crate::picture::{Canvas, DrawResult, Drawing, INKS, TEXT_SIZE};

/// Groups of bars, with one bar for each name.
pub(in crate::paper) struct Bars {
    pub(in crate::paper) title: String,
    pub(in crate::paper) names: Vec<String>,
    pub(in crate::paper) groups: Vec<BarGroup>,
}

/// A layer.
pub(in crate::paper) struct BarGroup {
    pub(in crate::paper) name: String,
    /// The values in percent, in the order of the names.
    pub(in crate::paper) values: Vec<f64>,
}

/// The left end of the bars; the layers' names stand left of it.
const START: u32 = 210;
/// The length of a bar of 100%.
const LENGTH: u32 = 560;
const BAR: u32 = 17;
const TOP: u32 = 84;

impl Bars {
    fn group_height(&self) -> u32 {
        self.names.len() as u32 * BAR + 16
    }
}

impl Drawing for Bars {
    fn size(&self) -> (u32, u32) {
        (START + LENGTH + 90, TOP + self.groups.len() as u32 * self.group_height() + 14)
    }

    fn draw<B: DrawingBackend>(&self, canvas: &Canvas<'_, B>) -> DrawResult<B> {
        canvas.root.fill(&WHITE)?;
        canvas.text(&self.title, canvas.at(24, 24), 18, HPos::Left)?;
        let mut x = 24;
        for (name, ink) in self.names.iter().zip(&INKS) {
            canvas.root.draw(&Rectangle::new([canvas.at(x, 46), canvas.at(x + 26, 60)], ink.colour.filled()))?;
            canvas.text(name, canvas.at(x + 34, 53), TEXT_SIZE, HPos::Left)?;
            x += 34 + 30 + canvas.width(name, TEXT_SIZE)? as u32 / canvas.scale;
        }
        for (index, group) in self.groups.iter().enumerate() {
            let top = TOP + index as u32 * self.group_height();
            let middle = top + self.names.len() as u32 * BAR / 2;
            canvas.text(&group.name, canvas.at(START - 12, middle), TEXT_SIZE, HPos::Right)?;
            for (row, (&value, ink)) in group.values.iter().zip(&INKS).enumerate() {
                let y = top + row as u32 * BAR;
                let length = (f64::from(LENGTH) * value.clamp(0.0, 100.0) / 100.0).round().max(1.0) as u32;
                let corners = [canvas.at(START, y + 1), canvas.at(START + length, y + BAR - 1)];
                canvas.root.draw(&Rectangle::new(corners, ink.colour.filled()))?;
                let place = canvas.at(START + length + 7, y + BAR / 2);
                canvas.text(&format!("{value:.1}%"), place, TEXT_SIZE - 2, HPos::Left)?;
            }
        }
        canvas.root.present()
    }
}
