"""Names that people type and that the official list does not have: old, short, colloquial ones.

Plain words (see `words.plain`). Not needed here: one word instead of two and the reverse
("belolaut", "sungai liat"), which search sees by itself, and typing errors.
"""

from __future__ import annotations

from types import MappingProxyType

# Codes by name.
ALIASES = MappingProxyType(
    {
        # Bangka and Belitung: the colonial spellings live on, on maps and in people's mouths.
        "muntok": ["19.05.01"],
        "belolaut": ["19.05.01.2006"],
        "babar": ["19.05"],
        "basel": ["19.03"],
        "bateng": ["19.04"],
        "beltim": ["19.06"],
        "babel": ["19"],
        "billiton": ["19.02", "19.06"],
        "blinyu": ["19.01.02"],
        "pangkalpinang": ["19.71"],
        "pgk": ["19.71"],
        "simpang tritip": ["19.05.02"],
        # Jakarta and around.
        "dki": ["31"],
        "jkt": ["31"],
        "jakpus": ["31.71"],
        "jakut": ["31.72"],
        "jakbar": ["31.73"],
        "jaksel": ["31.74"],
        "jaktim": ["31.75"],
        "tangsel": ["36.74"],
        "bsd": ["36.74.01"],
        "pondok indah": ["31.74.05"],
        "brastagi": ["12.06.02"],
        # Java.
        "jabar": ["32"],
        "jateng": ["33"],
        "jatim": ["35"],
        "diy": ["34"],
        "bdg": ["32.73"],
        "jogja": ["34"],
        "jogjakarta": ["34"],
        "jogyakarta": ["34"],
        "yogya": ["34"],
        "solo": ["33.72"],
        "smg": ["33.74"],
        "sby": ["35.78"],
        "tasik": ["32.06", "32.78"],
        "merak": ["36.72.03"],
        # Bali and Nusa Tenggara.
        "ntb": ["52"],
        "ntt": ["53"],
        "nusa dua": ["51.03.05"],
        "singaraja": ["51.08.06"],
        "maumere": ["53.07"],
        "labuhan bajo": ["53.15.05"],
        # Sumatera.
        "sumut": ["12"],
        "sumbar": ["13"],
        "sumsel": ["16"],
        "kepri": ["21"],
        "siantar": ["12.72"],
        "sidempuan": ["12.77"],
        "plg": ["16.71"],
        "linggau": ["16.73"],
        "oku": ["16.01"],
        "oki": ["16.02"],
        "muba": ["16.06"],
        "pali": ["16.12"],
        "inhu": ["14.02"],
        "inhil": ["14.04"],
        # Kalimantan.
        "kalbar": ["61"],
        "kalteng": ["62"],
        "kalsel": ["63"],
        "kaltim": ["64"],
        "kaltara": ["65"],
        "sampit": ["62.02"],
        "pangkalan bun": ["62.01.02"],
        "kukar": ["64.02"],
        # Sulawesi, Maluku, Papua.
        "sulut": ["71"],
        "sulteng": ["72"],
        "sulsel": ["73"],
        "sultra": ["74"],
        "sulbar": ["76"],
        "makasar": ["73.71"],
        "ujung pandang": ["73.71"],
        "malut": ["82"],
        "timika": ["94.04"],
    }
)
