//! The looks of lines: they differ in colour, dashes and marks, so that none of these is needed alone.

use plotters::element::{Circle, Cross, PathElement, Rectangle, TriangleMarker};
use plotters::prelude::DrawingBackend;
use plotters::style::text_anchor::HPos;
use plotters::style::{Color, RGBColor};

use super::{Canvas, DrawResult, TEXT_SIZE, colour};

/// A line's colour, dashes and mark.
#[derive(Clone, Copy)]
pub(crate) struct Ink {
    pub(crate) colour: RGBColor,
    /// Length of dash and gap; none for a line without gaps.
    pub(crate) dash: Option<(u32, u32)>,
    pub(crate) mark: InkShape,
}

/// A mark.
#[derive(Clone, Copy)]
pub(crate) enum InkShape {
    Circle,
    Triangle,
    Square,
    Cross,
    None,
}

const fn ink(colour: RGBColor, dash: Option<(u32, u32)>, mark: InkShape) -> Ink {
    Ink { colour, dash, mark }
}

/// The inks, in the order in which lines get them.
pub(crate) const INKS: [Ink; 5] = [
    ink(colour::BLUE, None, InkShape::Circle),
    ink(colour::VERMILION, None, InkShape::Triangle),
    ink(colour::GREEN, Some((8, 5)), InkShape::Square),
    ink(colour::PURPLE, Some((8, 5)), InkShape::Triangle),
    ink(colour::GREY, Some((2, 4)), InkShape::Cross),
];

/// The ink of the dense twin.
pub(crate) const TWIN: Ink = ink(colour::TEXT, Some((3, 4)), InkShape::None);

impl<B: DrawingBackend> Canvas<'_, B> {
    /// A line through places in pixels.
    pub(crate) fn path(&self, places: &[(i32, i32)], ink: Ink) -> DrawResult<B> {
        let style = ink.colour.stroke_width(self.px(2));
        let Some((dash, gap)) = ink.dash else { return self.root.draw(&PathElement::new(places.to_vec(), style)) };
        let (dash, gap) = (f64::from(self.px(dash)), f64::from(self.px(gap)));
        // The pattern goes on around corners.
        let mut gone = 0.0;
        for pair in places.windows(2) {
            let (from, to) = (pair[0], pair[1]);
            let across = (f64::from(to.0 - from.0), f64::from(to.1 - from.1));
            let length = across.0.hypot(across.1);
            let at = |along: f64| {
                let share = along / length.max(1e-9);
                (from.0 + (across.0 * share).round() as i32, from.1 + (across.1 * share).round() as i32)
            };
            let mut along = 0.0;
            while along < length {
                let phase = (gone + along) % (dash + gap);
                let rest = if phase < dash { dash - phase } else { dash + gap - phase };
                let end = (along + rest.max(0.5)).min(length);
                if phase < dash {
                    self.root.draw(&PathElement::new(vec![at(along), at(end)], style))?;
                }
                along = end;
            }
            gone += length;
        }
        Ok(())
    }

    /// A mark at a place in pixels.
    pub(crate) fn mark(&self, place: (i32, i32), ink: Ink) -> DrawResult<B> {
        let (size, style) = (self.px(4), ink.colour.filled());
        let side = size as i32;
        match ink.mark {
            InkShape::Circle => self.root.draw(&Circle::new(place, size, style)),
            InkShape::Triangle => self.root.draw(&TriangleMarker::new(place, size + self.px(1), style)),
            InkShape::Square => {
                let corners = [(place.0 - side, place.1 - side), (place.0 + side, place.1 + side)];
                self.root.draw(&Rectangle::new(corners, style))
            }
            InkShape::Cross => self.root.draw(&Cross::new(place, size, ink.colour.stroke_width(self.px(2)))),
            InkShape::None => Ok(()),
        }
    }

    /// A line's entry in the legend, its left end at a place in the drawing's units.
    pub(crate) fn entry(&self, name: &str, (x, y): (u32, u32), ink: Ink) -> DrawResult<B> {
        self.path(&[self.at(x, y), self.at(x + 34, y)], ink)?;
        self.mark(self.at(x + 17, y), ink)?;
        self.text(name, self.at(x + 42, y), TEXT_SIZE, HPos::Left)
    }
}
