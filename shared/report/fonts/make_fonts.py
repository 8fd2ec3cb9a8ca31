#!/usr/bin/env python3
"""Makes the font files of this folder from their published packages; run again only when a font is to change.

    pip install fonttools
    python3 make_fonts.py ATKINSON_DIR NOTO_DIR DROID_DIR KOREAN_DIR

ATKINSON_DIR: folder `package` of the npm package @expo-google-fonts/atkinson-hyperlegible-next 0.4.1
NOTO_DIR:     /usr/share/fonts/truetype/noto of Debian's fonts-noto-core 20201225
DROID_DIR:    /usr/share/fonts/truetype/droid of Debian's fonts-droid-fallback 6.0.1r16
KOREAN_DIR:   folder `package` of the npm package @expo-google-fonts/noto-sans-kr 0.4.3

Fonts lose their hinting (a PDF viewer does not need it) and glyph names. Those of other scripts are stored as zlib streams: they are
inflated only when a text needs them. Of the Korean font the syllables of KS X 1001 are kept, which covers names.
"""
import io
import pathlib
import sys
import zlib

from fontTools import subset
from fontTools.ttLib import TTFont

NOTO = ["", "Arabic", "Hebrew", "Devanagari", "Bengali", "Gurmukhi", "Gujarati", "Tamil", "Telugu", "Kannada", "Malayalam",
        "Thai", "Lao", "Khmer", "Myanmar", "Ethiopic", "Armenian", "Georgian", "Cherokee"]


def hangul():
    """The 2,350 syllables of KS X 1001, and its letters."""
    rows = [*range(0xB0, 0xC9), 0xA4]
    return [ord(bytes([row, cell]).decode("euc_kr")) for row in rows for cell in range(0xA1, 0xFF) if (row, cell) != (0xA4, 0xD4)]


def plain(path, unicodes=None):
    options = subset.Options()
    options.hinting = False
    options.glyph_names = False
    options.layout_features = ["*"]
    options.name_IDs = ["*"]
    options.notdef_outline = True
    font = subset.load_font(path, options)
    subsetter = subset.Subsetter(options)
    subsetter.populate(unicodes=unicodes or font.getBestCmap().keys())
    subsetter.subset(font)
    font["head"].modified = font["head"].created
    font.recalcTimestamp = False
    out = io.BytesIO()
    font.save(out)
    return out.getvalue()


def packed(path, unicodes=None):
    return zlib.compress(plain(path, unicodes), 9)


def main(atkinson, noto, droid, korean):
    here = pathlib.Path(__file__).parent
    for weight, name in (("400Regular", "Regular"), ("600SemiBold", "SemiBold")):
        source = pathlib.Path(atkinson) / weight / f"AtkinsonHyperlegibleNext_{weight}.ttf"
        # Its few Greek letters are symbols; a Greek name would be set in two fonts.
        letters = [code for code in TTFont(source).getBestCmap() if not 0x370 <= code < 0x400]
        (here / f"AtkinsonHyperlegibleNext-{name}.ttf").write_bytes(plain(str(source), letters))
    sources = [pathlib.Path(noto) / f"NotoSans{script}-Regular.ttf" for script in NOTO]
    sources.append(pathlib.Path(noto) / "NotoSans-Bold.ttf")
    sources.append(pathlib.Path(droid) / "DroidSansFallbackFull.ttf")
    for source in sources:
        (here / "fallback" / f"{source.stem}.ttf.zz").write_bytes(packed(str(source)))
    source = pathlib.Path(korean) / "400Regular" / "NotoSansKR_400Regular.ttf"
    (here / "fallback" / "NotoSansKR-Regular.ttf.zz").write_bytes(packed(str(source), hangul()))


if __name__ == "__main__":
    main(*sys.argv[1:])
