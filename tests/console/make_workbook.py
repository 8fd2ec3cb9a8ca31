"""Writes eye-gaps-2026-Q4.xlsx: a payer's list as no mapping knows it. All people in it are invented.

    python3 -m venv .venv && .venv/bin/pip install openpyxl==3.1.5 && .venv/bin/python tests/console/make_workbook.py
"""

from pathlib import Path

from openpyxl import Workbook

HEADER = ["Mbr #", "Last", "First", "D.O.B.", "Gender", "Home Clinic", "Phone", "Referral #", "PCP NPI", "Diagnosis", "Status"]
PEOPLE = [
    ("Testpatient", "Ada", "04/23/1961", "Female", "Seattle"),
    ("Testpatient", "Ben", "03/04/1958", "Male", "Portland"),
    ("Sample", "Cora", "12/31/1950", "Female", "Seattle"),
    ("Sample", "Dan", "3/4/61", "Male", "Boise"),
    ("Probe", "Elsa", "07/19/1947", "Female", "Eastside"),
    ("Probe", "Finn", "01/30/1966", "Male", "Eastside"),
    ("Muster", "Gia", "02/14/1970", "Female", "Portland"),
    ("Muster", "Hugo", "11/02/1944", "Male", "Boise"),
]

book = Workbook()
sheet = book.active
sheet.title = "Q4 gaps"
sheet.append(["Diabetic eye exam gaps"])
sheet.append(["Run date", "11/30/2026"])
sheet.append([])
sheet.append(HEADER)
for at, (last, first, birth, gender, clinic) in enumerate(PEOPLE):
    sheet.append([f"M{40_100 + at}", last, first, birth, gender, clinic, f"206-555-01{at:02}", f"RF-{7_001 + at}", "1234567893", "E11.9", "open"])
sheet.append(["Total", len(PEOPLE)])
book.create_sheet("Read me").append(["Questions: call the quality team"])
book.save(Path(__file__).resolve().parent / "eye-gaps-2026-Q4.xlsx")
