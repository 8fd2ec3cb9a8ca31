//! The workbook itself: the sheet to fill in, the sheet that explains it, and the lists its cells offer.

use super::column::{Column, Entry, Need};
use rust_xlsxwriter::{
    Color, DataValidation, DataValidationErrorStyle, DataValidationRule, DocProperties, ExcelDateTime, Format,
    FormatAlign, FormatBorder, Formula, Workbook, Worksheet, XlsxError,
};

/// The last row of a sheet, 0 = first.
const LAST_ROW: u32 = 1_048_575;
/// The row of the example, 0 = first.
const EXAMPLE_ROW: u32 = 1;
const EXPLANATIONS: &str = "How to fill in";
const LISTS: &str = "Lists";

/// What the explanations start with.
pub(super) struct About<'a> {
    pub(super) organization: &'a str,
    pub(super) container: &'a str,
    /// The pattern that the file's name has to match, if that matters.
    pub(super) pattern: Option<&'a str>,
    pub(super) sheet: &'a str,
}

pub(super) fn write(columns: &[Column], about: &About<'_>) -> Result<Vec<u8>, XlsxError> {
    let mut book = Workbook::new();
    // The same template gives the same file, byte by byte.
    let made = ExcelDateTime::from_ymd(2026, 1, 1)?;
    book.set_properties(&DocProperties::new().set_title("Orders").set_creation_datetime(&made));
    sheet_to_fill_in(book.add_worksheet(), columns, about.sheet)?;
    explanations(book.add_worksheet(), columns, about)?;
    lists(book.add_worksheet(), columns)?;
    book.save_to_buffer()
}

fn sheet_to_fill_in(sheet: &mut Worksheet, columns: &[Column], name: &str) -> Result<(), XlsxError> {
    sheet.set_name(name)?.set_freeze_panes(1, 2)?;
    let heading = heading();
    let needed = heading.clone().set_background_color(Color::RGB(0x001F_4E78));
    let mut lists = 0;
    for (place, column) in (0..).zip(columns) {
        let format = if column.need.is_required() { &needed } else { &heading };
        sheet.write_string_with_format(0, place, header(column), format)?;
        let width = header(column).chars().count().max(column.example.chars().count()).clamp(12, 32) + 2;
        sheet.set_column_width(place, width as f64)?;
        let cells = cells(&column.entry);
        sheet.set_column_format(place, &cells)?;
        example(sheet, place, column, &cells)?;
        let validation = match &column.entry {
            Entry::List { choices, .. } => {
                lists += 1;
                Some(of_list(lists - 1, choices.len(), &column.entry)?)
            }
            entry => of_entry(entry)?,
        };
        let validation = validation.unwrap_or_else(DataValidation::new);
        let validation = validation.set_input_title(cut(&column.header, 32))?.set_input_message(hint(column))?;
        sheet.add_data_validation(1, place, LAST_ROW, place, &validation)?;
    }
    Ok(())
}

/// The header, with a mark when the column is required; reading ignores the mark.
fn header(column: &Column) -> String {
    if column.need.is_required() { format!("{} *", column.header) } else { column.header.clone() }
}

fn hint(column: &Column) -> String {
    let need = match column.need {
        Need::Sometimes => String::new(),
        need => format!(" ({})", need.words().to_lowercase()),
    };
    cut(&format!("{}{need}", column.about), 255)
}

fn example(sheet: &mut Worksheet, place: u16, column: &Column, cells: &Format) -> Result<(), XlsxError> {
    let format = cells.clone().set_italic().set_font_color(Color::RGB(0x0080_8080));
    match column.entry {
        _ if column.example.is_empty() => sheet.write_blank(EXAMPLE_ROW, place, &format)?,
        Entry::Date | Entry::DateTime => {
            let time = ExcelDateTime::parse_from_str(&column.example.replace(' ', "T"))?;
            sheet.write_datetime_with_format(EXAMPLE_ROW, place, &time, &format)?
        }
        _ => sheet.write_string_with_format(EXAMPLE_ROW, place, &column.example, &format)?,
    };
    Ok(())
}

/// The format of a column's cells before anything is entered. Everything except dates is text: a number would lose its
/// leading zeros.
fn cells(entry: &Entry) -> Format {
    Format::new().set_num_format(match entry {
        Entry::Date => "yyyy-mm-dd",
        Entry::DateTime => "yyyy-mm-dd hh:mm",
        _ => "@",
    })
}

fn of_list(list: u16, length: usize, entry: &Entry) -> Result<DataValidation, XlsxError> {
    let column = rust_xlsxwriter::utility::column_number_to_name(list * 2);
    let range = format!("={LISTS}!${column}$2:${column}${}", length + 1);
    let validation = DataValidation::new().allow_list_formula(Formula::new(range));
    let open = matches!(entry, Entry::List { open: true, .. });
    if open {
        let validation = validation.set_error_style(DataValidationErrorStyle::Information);
        return validation.set_error_message("This is not in the list. It is accepted all the same.");
    }
    validation
        .set_error_message(format!("Choose from the list. The sheet \"{EXPLANATIONS}\" says what its entries mean."))
}

fn of_entry(entry: &Entry) -> Result<Option<DataValidation>, XlsxError> {
    let date = || {
        Ok::<_, XlsxError>(DataValidation::new().allow_date(DataValidationRule::GreaterThanOrEqualTo(first_date()?)))
    };
    match entry {
        Entry::Date => Ok(Some(date()?.set_error_message("Enter a date, such as 2026-11-21.")?)),
        Entry::DateTime => Ok(Some(date()?.set_error_message("Enter a date and time, such as 2026-11-21 09:30.")?)),
        Entry::Npi => {
            let validation = DataValidation::new().allow_text_length(DataValidationRule::EqualTo(10));
            Ok(Some(validation.set_error_message("An NPI has ten digits.")?))
        }
        Entry::Text | Entry::List { .. } => Ok(None),
    }
}

/// Nobody alive was born earlier; also the first day that spreadsheets know.
fn first_date() -> Result<ExcelDateTime, XlsxError> {
    ExcelDateTime::from_ymd(1900, 1, 1)
}

fn explanations(sheet: &mut Worksheet, columns: &[Column], about: &About<'_>) -> Result<(), XlsxError> {
    sheet.set_name(EXPLANATIONS)?;
    let title = Format::new().set_bold().set_font_size(14);
    let wrap = Format::new().set_text_wrap().set_align(FormatAlign::Top);
    sheet.write_string_with_format(0, 0, format!("Orders of {}", about.organization), &title)?;
    let name = match about.pattern {
        Some(pattern) => format!("under a name like {pattern}"),
        None => "under any name that ends in .xlsx".to_owned(),
    };
    let steps = [
        format!("1. Fill in the sheet \"{}\", one order in each row. Leave its header as it is.", about.sheet),
        "2. Delete the example in row 2. If it is left in, it is not loaded.".to_owned(),
        format!("3. Save, and upload the file {name} to the container {}.", about.container),
        "4. Read the receipt in the results container: rows that were not loaded come back in a file of their own, \
         each with what is wrong. Correct that file and upload it instead of the whole one."
            .to_owned(),
    ];
    let mut row = 1;
    for step in steps {
        sheet.write_string(row, 0, step)?;
        row += 1;
    }
    row += 1;
    for (place, (text, width)) in
        (0..).zip([("Column", 34.0), ("Needed", 12.0), ("What it is", 70.0), ("Format", 44.0), ("Example", 28.0)])
    {
        sheet.set_column_width(place, width)?;
        sheet.write_string_with_format(row, place, text, &heading())?;
    }
    for column in columns {
        row += 1;
        let texts =
            [column.header.as_str(), column.need.words(), &column.about, column.entry.words(), column.example.as_str()];
        for (place, text) in (0..).zip(texts) {
            sheet.write_string_with_format(row, place, text, &wrap)?;
        }
    }
    row += 1;
    for column in columns {
        let Entry::List { choices, .. } = &column.entry else { continue };
        row += 1;
        sheet.write_string_with_format(row, 0, format!("What may stand in {}", column.header), &title)?;
        for choice in choices {
            row += 1;
            sheet.write_string_with_format(row, 1, &choice.value, &wrap)?;
            sheet.write_string_with_format(row, 2, &choice.meaning, &wrap)?;
        }
        row += 1;
    }
    Ok(())
}

/// What the drop-down lists of cells refer to: for each, a column of values and one of meanings.
fn lists(sheet: &mut Worksheet, columns: &[Column]) -> Result<(), XlsxError> {
    sheet.set_name(LISTS)?.set_hidden(true);
    let mut place = 0;
    for column in columns {
        let Entry::List { choices, .. } = &column.entry else { continue };
        sheet.write_string(0, place, format!("Choices of {}", column.header))?;
        for (row, choice) in (1..).zip(choices) {
            sheet.write_string(row, place, &choice.value)?;
            sheet.write_string(row, place + 1, &choice.meaning)?;
        }
        place += 2;
    }
    Ok(())
}

fn heading() -> Format {
    Format::new()
        .set_bold()
        .set_font_color(Color::White)
        .set_background_color(Color::RGB(0x005B_7F95))
        .set_border_bottom(FormatBorder::Thin)
        .set_align(FormatAlign::VerticalCenter)
}

fn cut(text: &str, most: usize) -> String {
    text.chars().take(most).collect()
}
