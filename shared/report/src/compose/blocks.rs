//! Block tokens → blocks.

use super::values::{date_time, free, instant, provider_name, set};
use crate::Token;
use crate::clean;
use crate::document::{Block, Shade, Span, Text};
use crate::evaluation;
use crate::picture::{Picture, Pictures};
use crate::report::{EyeReport, Report};
use crate::template::Tone;

/// The most answers, diagnoses or notes listed; a normal report has a handful.
const MAX_ITEMS: usize = 60;
/// The most lines besides an eye's sentence.
const MORE: usize = 4;

#[derive(Clone, Copy)]
enum Side {
    Right,
    Left,
}

impl Side {
    fn name(self) -> &'static str {
        match self {
            Self::Right => "Right eye",
            Self::Left => "Left eye",
        }
    }

    fn code(self) -> &'static str {
        match self {
            Self::Right => "OD",
            Self::Left => "OS",
        }
    }

    fn of(self, report: &Report) -> &EyeReport {
        match self {
            Self::Right => &report.od,
            Self::Left => &report.os,
        }
    }

    fn picture(self, pictures: &Pictures) -> Option<&Picture> {
        match self {
            Self::Right => pictures.right.as_ref(),
            Self::Left => pictures.left.as_ref(),
        }
    }
}

/// The blocks of a block token; none if there is nothing to say. Pictures that are used are added to `shown`.
pub(super) fn generate(token: Token, report: &Report, pictures: &Pictures, shown: &mut Vec<Picture>) -> Vec<Block> {
    match token {
        Token::Letterhead => letterhead(report, pictures, shown),
        Token::RightEyeResult => vec![result(Side::Right, report)],
        Token::LeftEyeResult => vec![result(Side::Left, report)],
        Token::RightEyeFindings => findings(Side::Right, report),
        Token::LeftEyeFindings => findings(Side::Left, report),
        Token::RightEyeImage => image(Side::Right, report, pictures, shown),
        Token::LeftEyeImage => image(Side::Left, report, pictures, shown),
        Token::ExamAbout => about(report),
        Token::CarePlan => care_plan(report),
        Token::Diagnoses => diagnoses(report),
        Token::GraderNotes => notes(&report.notes),
        Token::GraderSignature => signature(report),
        _ => Vec::new(),
    }
}

fn plain(text: impl Into<String>) -> Text {
    vec![Span::plain(text)]
}

fn letterhead(report: &Report, pictures: &Pictures, shown: &mut Vec<Picture>) -> Vec<Block> {
    let head = &report.letterhead;
    let organization = set(Some(&head.organization));
    let site = set(Some(&head.site)).filter(|site| Some(site) != organization.as_ref());
    let (name, second) = match (organization, site) {
        (Some(organization), site) => (organization, site),
        (None, Some(site)) => (site, None),
        (None, None) => return Vec::new(),
    };
    let lines: Vec<Text> = second.into_iter().map(plain).collect();
    let mut contact = Vec::new();
    let address: Vec<String> = head.address.iter().take(4).filter_map(|line| set(Some(line))).collect();
    if !address.is_empty() {
        contact.push(plain(address.join(", ")));
    }
    if let Some(phone) = set(head.phone.as_deref()) {
        contact.push(plain(format!("Telephone {phone}")));
    }
    let logo = pictures.logo.as_ref().map(|logo| show(logo, shown));
    vec![Block::Letterhead { logo, name: vec![Span::strong(name)], lines, contact }]
}

fn show(picture: &Picture, shown: &mut Vec<Picture>) -> usize {
    shown.push(picture.clone());
    shown.len() - 1
}

fn eye_heading(side: Side) -> Text {
    vec![Span::strong(side.name()), Span::small(format!(" ({})", side.code()))]
}

fn result(side: Side, report: &Report) -> Block {
    let said = &side.of(report).said;
    let mut more: Vec<String> = said.more.iter().filter_map(|line| set(Some(line))).collect();
    if more.len() > MORE {
        let rest = more.len() - (MORE - 1);
        more.truncate(MORE - 1);
        more.push(format!("and {rest} more, listed below"));
    }
    let shade = Shade::Of(said.chip);
    let mut blocks =
        vec![Block::Heading(3, eye_heading(side)), Block::Paragraph(Tone::Lead, plain(clean::line(&said.sentence)))];
    blocks.extend(more.into_iter().map(|line| Block::Paragraph(Tone::Normal, plain(line))));
    blocks.push(Block::Badge(shade, said.chip.of_eye().to_owned()));
    Block::Panel(shade, blocks)
}

fn findings(side: Side, report: &Report) -> Vec<Block> {
    let answers = side.of(report).said.lines.iter().take(MAX_ITEMS).map(|line| {
        let value = clean::line(&line.value);
        (plain(clean::line(&line.label)), vec![if line.is_news { Span::strong(value) } else { Span::plain(value) }])
    });
    vec![Block::Answers(answers.collect())]
}

fn image(side: Side, report: &Report, pictures: &Pictures, shown: &mut Vec<Picture>) -> Vec<Block> {
    let eye = side.of(report);
    let mut caption = eye_heading(side);
    let Some(picture) = side.picture(pictures) else {
        let words = if eye.image.is_some() { "The image could not be shown" } else { "No image" };
        return vec![Block::NoPicture(vec![
            Span::strong(format!("{} ({})", side.name(), side.code())),
            Span::plain(format!("\n{words}")),
        ])];
    };
    let taken = eye.image.as_ref().and_then(|image| image.taken).map(date_time);
    if let Some(taken) = &taken {
        caption.push(Span::small(format!(" · taken {taken}")));
    }
    let alt = format!(
        "Retinal image of the {}{}",
        side.name().to_lowercase(),
        taken.map(|taken| format!(", taken {taken}")).unwrap_or_default()
    );
    vec![Block::Picture { index: show(picture, shown), alt, caption }]
}

fn care_plan(report: &Report) -> Vec<Block> {
    let Some(plan) = &report.care_plan else { return Vec::new() };
    let name = set(Some(&plan.name));
    let description = free(Some(&plan.description));
    if name.is_none() && description.is_none() {
        return Vec::new();
    }
    let mut blocks = vec![Block::Heading(2, plain("What to do next"))];
    blocks.extend(name.map(|name| Block::Paragraph(Tone::Lead, plain(name))));
    blocks.extend(description.map(|text| Block::Paragraph(Tone::Normal, plain(text))));
    blocks.extend(contact(report).map(|text| Block::Paragraph(Tone::Normal, plain(text))));
    blocks.push(Block::Badge(Shade::Of(plan.chip), plan.chip.of_plan().to_owned()));
    vec![Block::Panel(Shade::Of(plan.chip), blocks)]
}

/// What each exam looks for.
fn about(report: &Report) -> Vec<Block> {
    let mut told: Vec<&str> = Vec::new();
    for text in report.evaluation_types.iter().map(|exam| evaluation::about(*exam)) {
        if !told.contains(&text) {
            told.push(text);
        }
    }
    told.into_iter().map(|text| Block::Paragraph(Tone::Small, plain(text))).collect()
}

/// Whom to call with questions.
fn contact(report: &Report) -> Option<String> {
    let head = &report.letterhead;
    let who = set(Some(&head.site)).or_else(|| set(Some(&head.organization)));
    match (set(head.phone.as_deref()), who) {
        (Some(phone), Some(who)) => Some(format!("Questions? Call {who} at {phone}.")),
        (Some(phone), None) => Some(format!("Questions? Call {phone}.")),
        (None, _) => {
            let provider = report.ordering_provider.as_ref().and_then(provider_name)?;
            Some(format!("Questions? Ask {provider}, who ordered the exam."))
        }
    }
}

fn diagnoses(report: &Report) -> Vec<Block> {
    let lines: Vec<(Text, Text)> = report
        .diagnoses
        .iter()
        .take(MAX_ITEMS)
        .filter_map(|diagnosis| {
            let code = set(Some(&dotted(&diagnosis.code)))?;
            Some((vec![Span::strong(code)], plain(clean::line(&diagnosis.description))))
        })
        .collect();
    if lines.is_empty() {
        return Vec::new();
    }
    let mut blocks = vec![Block::Heading(2, plain("Diagnoses (ICD-10-CM)")), Block::Answers(lines)];
    if let Some(edition) = set(report.code_edition.as_deref()) {
        blocks.push(Block::Paragraph(Tone::Small, plain(edition)));
    }
    blocks
}

/// `E113211` → `E11.3211`; reports show the dot (iris-facts §9.7.1).
fn dotted(code: &str) -> String {
    let code = code.trim();
    if code.contains('.') || code.chars().count() <= 3 || !code.is_ascii() {
        return code.to_owned();
    }
    format!("{}.{}", &code[..3], &code[3..])
}

fn notes(notes: &[String]) -> Vec<Block> {
    let notes: Vec<Block> = notes
        .iter()
        .take(MAX_ITEMS)
        .filter_map(|note| free(Some(note)))
        .map(|note| Block::Paragraph(Tone::Normal, plain(note)))
        .collect();
    if notes.is_empty() {
        return Vec::new();
    }
    let mut blocks = vec![Block::Heading(2, plain("Comments of the interpreting provider"))];
    blocks.extend(notes);
    blocks
}

fn signature(report: &Report) -> Vec<Block> {
    let Some(grader) = &report.grader else { return Vec::new() };
    let name = provider_name(&grader.provider).unwrap_or_else(|| "Interpreting provider".to_owned());
    let mut details = Vec::new();
    details.extend(set(grader.provider.npi.as_deref()).map(|npi| format!("NPI {npi}")));
    details.extend(set(grader.provider.taxonomy.as_deref()).map(|taxonomy| format!("Taxonomy {taxonomy}")));
    details.push(format!("signed electronically {}", instant(grader.graded, report)));
    vec![Block::Signature(vec![
        vec![Span::plain("Interpreted by "), Span::strong(name)],
        vec![Span::small(details.join(" · "))],
    ])]
}

#[cfg(test)]
mod tests {
    use super::dotted;

    #[test]
    fn codes_show_their_dot() {
        for (code, shown) in
            [("E113211", "E11.3211"), ("E11.9", "E11.9"), ("E11", "E11"), ("H3581", "H35.81"), ("Ж113", "Ж113")]
        {
            assert_eq!(dotted(code), shown);
        }
    }
}
