"""Writes the sample spreadsheets: three CSV files and a workbook.

    python3 -m venv .venv && .venv/bin/pip install openpyxl==3.1.5 && .venv/bin/python samples/make_samples.py

The files it writes are committed; Python is needed only to change them. The same script writes the same bytes every time. All people
in them are invented: names say Sample or Testpatient, telephone numbers are 555-01xx, and provider numbers have a right check digit
but a first digit that is never issued.
"""

import csv
import io
import re
import zipfile
from datetime import date, datetime, timedelta
from pathlib import Path

from openpyxl import Workbook
from openpyxl.styles import Alignment, Font, PatternFill

FOLDER = Path(__file__).resolve().parent
SITES = ["HV-SEA", "HV-PDX", "HV-BOI"]
AREA_CODES = {"HV-SEA": "206", "HV-PDX": "503", "HV-BOI": "208"}
FIRST_NAMES = (
    "Ada Ben Cora Dan Elsa Finn Gia Hugo Iris Jon Kira Leo Mona Nils Opal Paul Quin Rosa Sven Tess "
    "Uma Vito Wren Xena Yara Zeno Abel Bria Cleo Dora Emil Fay Gus Hana Ivo June Kurt Lila Milo Nora"
).split()


def npi(stem):
    """The nine digits and their check digit: Luhn over 80840 and the number."""
    total = 0
    for position, character in enumerate(reversed("80840" + stem)):
        digit = int(character) * (2 if position % 2 == 0 else 1)
        total += digit // 10 + digit % 10
    return stem + str(-total % 10)


PROVIDERS = [
    (npi("900000001"), "Olive", "Sample-Provider"),
    (npi("900000002"), "Rufus", "Sample-Provider"),
    (npi("900000003"), "Greta", "Sample-Provider"),
]
PCP = npi("900000004")


def slashed(day):
    """As spreadsheets show dates in the United States: 4/9/1961."""
    return f"{day.month}/{day.day}/{day.year}"


def birth_date(index):
    return date(1938, 3, 14) + timedelta(days=397 * index)


def phone(site, index):
    return f"{AREA_CODES[site]}-555-01{index % 100:02d}"


def clean_csv():
    """The published vocabulary; every row is good."""
    header = (
        "OrderControlCode,SiteLocalId,PatientLocalId,PatientFirstName,PatientLastName,PatientDob,PatientBirthGender,PatientPhone,"
        "DxCode,OrderLocalId,EvaluationType,OrderScheduledTime,CPTCode,SingleEyeOnly,OrderingProviderNPI,OrderingProviderFirstName,"
        "OrderingProviderLastName,HealthPlanName,HealthPlanMemberId,UserNameSubmitting,OrderAdditionalInfo"
    ).split(",")
    rows = []
    for index in range(25):
        site = SITES[index % 3]
        provider = PROVIDERS[index % 3]
        born = birth_date(index)
        rows.append([
            "NW", site, f"HV-P-{101 + index}", FIRST_NAMES[index], "Testpatient-Clean",
            born.isoformat() if index % 2 else slashed(born), "FM"[index % 2], phone(site, index),
            ["E11.9", "E119", ""][index % 3], f"HV-C-{1001 + index}", "DR_AMD" if index % 5 == 4 else "DR",
            (datetime(2026, 12, 1, 9, 0) + timedelta(minutes=30 * index)).strftime("%Y-%m-%dT%H:%M"), "92250", "",
            *provider, "Harborview Advantage (sample)", f"HVA-{200100 + index}", "intake@harborview.example",
            "needs interpreter, large-print letters" if index == 7 else "",
        ])
    text = io.StringIO()
    csv.writer(text, lineterminator="\r\n").writerows([header, *rows])
    (FOLDER / "harborview-clean.csv").write_bytes(text.getvalue().encode("utf-8"))


def dirty_csv():
    """What a clinic's system exports: semicolons, windows-1252, mixed line ends, and a fault in most rows."""
    good = npi("900000001")
    wrong_check_digit = good[:-1] + str((int(good[-1]) + 1) % 10)
    header = "Clinic;MRN;First Name;Last Name;DOB;Sex;Phone;Order No;Exam;Appointment;State;Ordering NPI;Comment;Favorite Color;;"
    exam = "diabetic eye exam"
    lines = [
        header,
        # Good, each in its own way.
        f'HV-SEA;D-101;José;Sample-Peña;4/12/1961;man;206-555-0121;D-1;{exam};12/1/2026 9:00 AM;WA;{good};"prefers “mornings”; then\nafter lunch";blue;;',
        f'  HV-PDX ; D-102 ;Åsa; Testpatient-Ångström ;1955-09-03;woman;503-555-0122; D-2 ;diabetic + macula;12/1/2026;Oregon;;"said ""call first"", twice";;;',
        f"HV-BOI;D-103;Ruth;Sample-Short;7/4/1948;Female;208-555-0123;D-3;{exam}",
        f"HV-SEA;D-104;Ned;Sample-Inches;2/29/1956;M;206-555-0124;D-4;{exam};;;;he is 5' 2\" tall;;;",
        "",
        ";;;;;;;;;;;;;;;",
        # A patient without an order, and then an order for that patient by id alone.
        "HV-BOI;D-105;Vera;Testpatient-Registered;11/23/1969;woman;208-555-0125;;;;;;;;;",
        f"HV-BOI;D-105;;;;;;D-5;{exam};12/2/2026;;;;;;",
        # A second order of a patient: it takes the place of the first.
        f"HV-SEA;D-101;José;Sample-Peña;4/12/1961;man;206-555-0121;D-6;{exam};12/9/2026 9:00 AM;WA;;;;;",
        # Loaded with a warning.
        f"HV-PDX;D-107;Walt;Sample-CheckDigit;1/30/1962;male;503-555-0127;D-7;{exam};;;{wrong_check_digit};;;;",
        # Refused.
        f"HV-SEA;D-108;Tina;Sample-ShortYear;3/4/61;woman;206-555-0128;D-8;{exam};;;;;;;",
        f"HV-SEA;D-109;Mick;Sample-NoBirthDate;;man;206-555-0129;D-9;{exam};;;;=1+1;;;",
        f"HV-SEA;D-110;Fern;Sample-Future;1/1/2099;woman;206-555-0130;D-10;{exam};;;;;;;",
        f"HV-PDX;D-111;Stan;Sample-State;5/6/1957;man;503-555-0131;D-11;{exam};;Oregone;;;;;",
        f"HV-PDX;D-112;Pia;Sample-ShortNpi;5/6/1958;woman;503-555-0132;D-12;{exam};;;90000000;;;;",
        f"HV-SEA;D-113;Dirk;Sample-Duplicate;8/8/1958;man;206-555-0133;D-1;{exam};;;;;;;",
        f"HV-TAC;D-114;Sue;Sample-Site;9/9/1959;woman;253-555-0134;D-14;{exam};;;;;;;",
        "HV-BOI;D-115;Amos;Sample-NotSubscribed;10/10/1960;man;208-555-0135;D-15;macula only;;;;;;;",
        "HV-BOI;D-116;Lois;Sample-Exam;11/11/1961;woman;208-555-0136;D-16;retina thing;;;;;;;",
        f"HV-BOI;D-117;Kit;Sample-Gender;12/12/1962;Q;208-555-0137;D-17;{exam};;;;;;;",
        f"HV-SEA;D-118;;Sample-ManyFaults;31.12.1970;;206-555-0138;D-18;{exam};someday;;;;;;",
        f"HV-SEA;D-119;Olga;Sample-NoOrderNo;6/1/1963;woman;206-555-0139;;{exam};12/3/2026;;;;;;",
        f"HV-SEA;D-120;Max;Sample-LongId;6/2/1964;man;206-555-0140;{'D-20-' + 'x' * 60};{exam};;;;;;;",
        f"HV-PDX;D-121;Eva;Sample-ExtraCells;6/3/1965;woman;503-555-0141;D-21;{exam};;;;;;;;one;too many",
    ]
    ends = ["\r\n", "\n", "\r\n"]
    text = "".join(line + ends[index % 3] for index, line in enumerate(lines))
    (FOLDER / "harborview-dirty.csv").write_bytes(text.rstrip("\r\n").encode("windows-1252"))


def members_csv():
    """A payer's monthly file in its own vocabulary, with a byte order mark, compact dates and members without an authorization."""
    header = (
        "RUN_ID,LOB_CD,MBR_ID,MBR_FIRST_NM,MBR_LAST_NM,BIRTH_DT,SEX_CD,PHONE_NO,HOME_CLINIC,AUTH_NO,SVC_DT,DX1,PLAN_NM,GRP_NO,"
        "EFF_DT,TERM_DT,PCP_NPI,PCP_FIRST,PCP_LAST,PCP_FAX"
    ).split(",")
    clinics = {"SEATTLE": "HV-SEA", "PORTLAND": "HV-PDX", "Boise": "HV-BOI"}
    rows = []
    for index in range(14):
        clinic = list(clinics)[index % 3]
        authorized = index % 4 != 3
        rows.append([
            "202611", "MA", f"{840001 + index:09d}", FIRST_NAMES[20 + index].upper(), "SAMPLE-MEMBER",
            birth_date(index + 3).strftime("%Y%m%d"), "12"[index % 2], phone(clinics[clinic], 40 + index).replace("-", ""), clinic,
            f"A{5001 + index}" if authorized else "", "20261215" if authorized else "", "E1165" if index % 2 else "E119",
            "HARBORVIEW ADVANTAGE (SAMPLE)", "00417", "20260101", "99991231", PCP, "PAT", "SAMPLE-PCP", "2065550199",
        ])
    rows[5][6] = "9"  # not stated
    rows[8][8] = ""  # the mapping's default clinic
    rows[10][8] = "SPOKANE"  # a clinic the mapping does not know
    rows[12][5] = "19620231"  # no such day
    text = io.StringIO()
    csv.writer(text, lineterminator="\r\n", quoting=csv.QUOTE_ALL).writerows([header, *rows])
    (FOLDER / "members-2026-11.csv").write_bytes(text.getvalue().encode("utf-8-sig"))


def batch_rows():
    """Forty rows as (values by header), most of them good."""
    header = [
        "Site Local Id", "Patient Local Id", "Patient Last Name", "Patient First Name", "Patient DOB", "Patient Birth Gender",
        "Patient Phone", "Dx Code", "Order Local Id", "Evaluation Type", "Order Scheduled Time", "Order State", "CPT Code",
        "Single Eye Only", "Missing Eye Reason", "Ordering Provider NPI", "User Name Submitting", "Order Additional Info",
    ]
    rows = []
    for index in range(40):
        site = SITES[index % 3]
        rows.append(dict(zip(header, [
            site, 700001 + index, "Testpatient-Batch", FIRST_NAMES[index], birth_date(index), "FM"[index % 2], phone(site, index),
            "E11.9", f"HV-B-{3001 + index}", "DR_AMD" if index % 4 == 3 else "DR",
            datetime(2026, 12, 8, 8, 30) + timedelta(minutes=20 * index), None, 92250, None, None,
            int(PROVIDERS[index % 3][0]), "clinic.seattle@harborview.example", None,
        ])))
    # Good, but not the plain way.
    rows[3]["Patient DOB"] = "1941-06-16"
    rows[6]["Patient DOB"] = " 9/20/1944 "
    rows[9]["Order State"] = "Washington"
    rows[12].update({"Single Eye Only": True, "Missing Eye Reason": "Enucleation"})
    rows[15]["Patient Birth Gender"] = "male"
    rows[18]["Order Additional Info"] = '{"interpreter": "es", "note": "call\nfirst"}'
    rows[21]["Order Scheduled Time"] = date(2026, 12, 9)
    # A patient without an order.
    for column in ["Order Local Id", "Evaluation Type", "Order Scheduled Time", "CPT Code"]:
        rows[24][column] = None
    # Loaded with a warning.
    rows[27]["Ordering Provider NPI"] = int(PROVIDERS[0][0]) + 1
    rows[30]["User Name Submitting"] = "temp@harborview.example"
    # Refused.
    rows[5]["Dx Code"] = "#N/A"
    rows[11]["Patient Last Name"] = None
    rows[17]["Patient DOB"] = "13/45/1970"
    rows[22]["Patient DOB"] = date(2062, 4, 1)
    rows[26]["Site Local Id"] = "HV-TAC"
    rows[31]["Evaluation Type"] = "AMD"
    rows[35]["Order Local Id"] = rows[34]["Order Local Id"]
    rows[38].update({"Patient DOB": "4/5/61", "Patient Birth Gender": "?", "Order Scheduled Time": "next week"})
    return header, rows


def batch_xlsx():
    """A workbook as people keep it: a cover, a hidden sheet of notes, and a table that begins below its title."""
    workbook = Workbook()
    moment = datetime(2026, 11, 16, 8, 0)
    workbook.properties.creator = "Harborview Health Plan (sample)"
    workbook.properties.created = moment

    cover = workbook.active
    cover.title = "Cover"
    cover["B2"] = "Harborview Health Plan (sample)"
    cover["B2"].font = Font(bold=True, size=16)
    cover["B4"] = "Retinal screening, December 2026"
    cover["B5"] = "All persons in this workbook are invented."

    header, rows = batch_rows()
    notes = workbook.create_sheet("Notes")
    notes.sheet_state = "hidden"
    notes.append(header)
    notes.append(["HV-SEA", 799999, "Testpatient-Hidden", "Not", date(1950, 1, 1), "F", None, None, "HV-B-HIDDEN", "DR"])

    orders = workbook.create_sheet("Orders")
    orders["A1"] = "Harborview Health Plan (sample): retinal screening orders"
    orders["A1"].font = Font(bold=True, size=14)
    orders["A1"].alignment = Alignment(horizontal="center")
    orders.merge_cells("A1:R1")
    orders["A2"] = "Exported"
    orders["B2"] = moment
    orders["B2"].number_format = "m/d/yyyy h:mm"
    first = 4
    for column, name in enumerate(header, start=1):
        cell = orders.cell(row=first, column=column, value=name)
        cell.font = Font(bold=True)
        cell.fill = PatternFill("solid", fgColor="DDE6F0")
    for number, values in enumerate(rows, start=first + 1):
        # An empty row in the middle, as people leave them to separate groups.
        number += number > first + 20
        for column, name in enumerate(header, start=1):
            cell = orders.cell(row=number, column=column, value=values[name])
            if isinstance(values[name], datetime):
                cell.number_format = "m/d/yyyy h:mm AM/PM"
            elif isinstance(values[name], date):
                cell.number_format = "m/d/yyyy"
    # Cells that were formatted and never filled.
    for number in range(first + len(rows) + 2, first + len(rows) + 7):
        orders.cell(row=number, column=5).number_format = "m/d/yyyy"
    orders.freeze_panes = "A5"
    orders.auto_filter.ref = f"A{first}:R{first + len(rows) + 1}"
    for letter in "CDEGIKPQ":
        orders.column_dimensions[letter].width = 18
    workbook.active = 2

    written = io.BytesIO()
    workbook.save(written)
    (FOLDER / "harborview-batch.xlsx").write_bytes(repacked(written.getvalue(), moment))


def repacked(archive, moment):
    """The same workbook, without the time of day at which it was written and with its texts in a shared table, as Excel keeps them."""
    with zipfile.ZipFile(io.BytesIO(archive)) as source:
        parts = {name: source.read(name).decode("utf-8") for name in source.namelist()}
    core = parts["docProps/core.xml"]
    parts["docProps/core.xml"] = re.sub(r"(<dcterms:modified[^>]*>)[^<]*", rf"\g<1>{moment:%Y-%m-%dT%H:%M:%SZ}", core)
    share_texts(parts)
    result = io.BytesIO()
    with zipfile.ZipFile(result, "w", zipfile.ZIP_DEFLATED) as target:
        for name, content in parts.items():
            entry = zipfile.ZipInfo(name, date_time=(1980, 1, 1, 0, 0, 0))
            entry.compress_type = zipfile.ZIP_DEFLATED
            target.writestr(entry, content)
    return result.getvalue()


def share_texts(parts):
    """Moves the texts of all sheets into xl/sharedStrings.xml, each once."""
    texts = {}
    uses = 0

    def shared(match):
        nonlocal uses
        uses += 1
        return f't="s"><v>{texts.setdefault(match[1], len(texts))}</v>'

    for name in [name for name in parts if name.startswith("xl/worksheets/")]:
        parts[name] = re.sub(r't="inlineStr"><is>(<t[^>]*>[^<]*</t>)</is>', shared, parts[name])
    items = "".join(f"<si>{text}</si>" for text in texts)
    main = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
    parts["xl/sharedStrings.xml"] = f'<sst xmlns="{main}" count="{uses}" uniqueCount="{len(texts)}">{items}</sst>'
    kind = "http://schemas.openxmlformats.org/officeDocument/2006/relationships/sharedStrings"
    link = f'<Relationship Type="{kind}" Target="sharedStrings.xml" Id="rIdTexts" />'
    relations = "xl/_rels/workbook.xml.rels"
    parts[relations] = parts[relations].replace("</Relationships>", link + "</Relationships>")
    content = "application/vnd.openxmlformats-officedocument.spreadsheetml.sharedStrings+xml"
    override = f'<Override PartName="/xl/sharedStrings.xml" ContentType="{content}" />'
    types = "[Content_Types].xml"
    parts[types] = parts[types].replace("</Types>", override + "</Types>")


if __name__ == "__main__":
    clean_csv()
    dirty_csv()
    members_csv()
    batch_xlsx()
