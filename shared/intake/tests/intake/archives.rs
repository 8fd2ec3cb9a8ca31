//! Workbooks put together part by part, to contain what no spreadsheet program would write.

use std::io::{Cursor, Write};
use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, ZipWriter};

pub(crate) const SHEET_START: &str =
    "<worksheet xmlns=\"http://schemas.openxmlformats.org/spreadsheetml/2006/main\"><sheetData>";
pub(crate) const SHEET_END: &str = "</sheetData></worksheet>";

/// Header and one sound row, as inline texts.
pub(crate) const ROWS: &str = concat!(
    "<row r=\"1\"><c r=\"A1\" t=\"inlineStr\"><is><t>SiteLocalId</t></is></c>",
    "<c r=\"B1\" t=\"inlineStr\"><is><t>PatientLocalId</t></is></c><c r=\"C1\" \
     t=\"inlineStr\"><is><t>OrderLocalId</t></is></c></row>",
    "<row r=\"2\"><c r=\"A2\" t=\"inlineStr\"><is><t>S1</t></is></c><c r=\"B2\" t=\"inlineStr\"><is><t>P1</t></is></c>",
    "<c r=\"C2\" t=\"inlineStr\"><is><t>O1</t></is></c></row>",
);

/// A workbook of parts.
pub(crate) struct Archive(Vec<(String, Vec<u8>)>);

impl Archive {
    /// A sound workbook of one sheet.
    pub(crate) fn new() -> Self {
        let mut archive = Self(Vec::new());
        archive.set(
            "[Content_Types].xml",
            "<Types xmlns=\"http://schemas.openxmlformats.org/package/2006/content-types\"/>",
        );
        archive.set(
            "_rels/.rels",
            "<Relationships><Relationship Id=\"r1\" \
             Type=\"http://schemas.openxmlformats.org/officeDocument/2006/relationships/officeDocument\" \
             Target=\"xl/workbook.xml\"/></Relationships>",
        );
        archive.set(
            "xl/workbook.xml",
            "<workbook xmlns:r=\"r\"><sheets><sheet name=\"Orders\" sheetId=\"1\" r:id=\"r1\"/></sheets></workbook>",
        );
        archive.set(
            "xl/_rels/workbook.xml.rels",
            "<Relationships><Relationship Id=\"r1\" \
             Type=\"http://schemas.openxmlformats.org/officeDocument/2006/relationships/worksheet\" \
             Target=\"worksheets/sheet1.xml\"/></Relationships>",
        );
        archive.sheet(ROWS)
    }

    /// Replaces or adds a part.
    pub(crate) fn set(&mut self, name: &str, content: impl AsRef<[u8]>) {
        self.0.retain(|(own, _)| own != name);
        self.0.push((name.to_owned(), content.as_ref().to_vec()));
    }

    pub(crate) fn with(mut self, name: &str, content: impl AsRef<[u8]>) -> Self {
        self.set(name, content);
        self
    }

    /// The sheet, given its rows.
    pub(crate) fn sheet(self, rows: &str) -> Self {
        self.with("xl/worksheets/sheet1.xml", format!("{SHEET_START}{rows}{SHEET_END}"))
    }

    pub(crate) fn bytes(&self) -> Vec<u8> {
        let mut writer = ZipWriter::new(Cursor::new(Vec::new()));
        for (name, content) in &self.0 {
            let options = SimpleFileOptions::default().compression_method(CompressionMethod::Deflated);
            writer.start_file(name.as_str(), options).unwrap();
            writer.write_all(content).unwrap();
        }
        writer.finish().unwrap().into_inner()
    }
}
