"""Names of the seeded world by script, written for it. Each name has its plain-letter form for e-mails beside it."""

# ruff: noqa: RUF001 - letters of many alphabets are what this file is for

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Names:
    """Names of one script; every entry is (as written, in plain letters).

    Attributes:
        first: Given names.
        last: Family names.
        brand: First part of a company's name.
        trade: Second part of a company's name.
        form: Legal forms.
    """

    first: tuple[tuple[str, str], ...]
    last: tuple[tuple[str, str], ...]
    brand: tuple[tuple[str, str], ...]
    trade: tuple[str, ...]
    form: tuple[str, ...]


def _plain(text: str) -> tuple[tuple[str, str], ...]:
    """Entries that are written in plain letters already, parted by commas."""
    return tuple((word.strip(), word.strip().lower().replace(" ", "").replace("'", "")) for word in text.split(","))


def _paired(text: str) -> tuple[tuple[str, str], ...]:
    """Entries as `written=plain`, parted by commas."""
    pairs = (entry.strip().partition("=") for entry in text.split(","))
    return tuple((written, plain) for written, _, plain in pairs)


_ENGLISH_TRADES = ("Kitchen Supply", "Hardware", "Tool Works", "Packaging", "Medical", "Outfitters", "Paper", "Marine")

NAMES: dict[str, Names] = {
    "english": Names(
        _plain("Dana, Lee, Robin, Alex, Morgan, Casey, Jordan, Avery, Quinn, Harper, Riley, Sam, Jamie, Taylor, Drew"),
        _plain(
            "Rivera, Okafor, Hughes, Lindgren, Marsh, Calloway, O'Brien, Whitfield, Nakai, Pryor, Stone, Vance, Ives"
        ),
        _plain(
            "Northwind, Cedar Point, Blue Harbor, Ironwood, Silver Lake, Redstone, Maple Ridge, Granite, Lakeside, "
            "Juniper, Copperfield, Westgate, Foxglove, Highland, Riverbend, Summit, Larkspur, Beacon"
        ),
        _ENGLISH_TRADES,
        ("", "Inc.", "LLC", "Ltd", "& Co."),
    ),
    "german": Names(
        _paired("Jürgen=juergen, Katja=katja, Änne=aenne, Björn=bjoern, Heike=heike, Lothar=lothar"),
        _paired("Müller=mueller, Groß=gross, Schäfer=schaefer, Weiß=weiss, Böhm=boehm, Kröger=kroeger"),
        _paired("Süddeutsche=sueddeutsche, Elbe=elbe, Grünwald=gruenwald, Königstein=koenigstein"),
        ("Großhandel", "Werkzeugbau", "Küchentechnik", "Möbel"),
        ("GmbH", "AG", "KG", "GmbH & Co. KG"),
    ),
    "french": Names(
        _paired("Zoé=zoe, Étienne=etienne, François=francois, Hélène=helene, Noël=noel"),
        _paired("Lefèvre=lefevre, Béranger=beranger, Gauthier=gauthier, Maçon=macon, Œuvrard=oeuvrard"),
        _paired("Atelier du Château=atelierchateau, Côte Bleue=cotebleue, Forêt Noire=foretnoire"),
        ("Outillage", "Équipement", "Distribution"),
        ("SARL", "SA", "SAS"),
    ),
    "dutch": Names(
        _plain("Sanne, Joost, Maaike, Bram, Femke"),
        _paired("van der Meer=vandermeer, de Groot=degroot, Jansen=jansen, ten Brink=tenbrink"),
        _plain("Waterkant, Polderland, Noordzee"),
        ("Groothandel", "Techniek"),
        ("B.V.", "N.V."),
    ),
    "japanese": Names(
        _paired("健太=kenta, 美咲=misaki, 翔太=shota, 陽子=yoko, 直樹=naoki"),
        _paired("田中=tanaka, 佐藤=sato, 鈴木=suzuki, 高橋=takahashi, 渡辺=watanabe"),
        _paired("桜=sakura, 富士=fuji, 東海=tokai, 若葉=wakaba"),
        ("商事", "工業", "物産"),
        ("株式会社",),
    ),
    "chinese": Names(
        _paired("伟=wei, 芳=fang, 静=jing, 磊=lei, 娜=na"),
        _paired("王=wang, 李=li, 张=zhang, 刘=liu, 陈=chen"),
        _paired("东方=dongfang, 长江=changjiang, 华兴=huaxing"),
        ("贸易", "科技", "五金"),
        ("有限公司",),
    ),
    "korean": Names(
        _paired("민준=minjun, 서연=seoyeon, 지훈=jihun, 하은=haeun"),
        _paired("김=kim, 이=lee, 박=park, 최=choi"),
        _paired("한강=hangang, 백두=baekdu, 동해=donghae"),
        ("상사", "산업"),
        ("주식회사",),
    ),
    "portuguese": Names(
        _paired("João=joao, Inês=ines, Luísa=luisa, Antônio=antonio"),
        _paired("Conceição=conceicao, Araújo=araujo, Gonçalves=goncalves, Simões=simoes"),
        _paired("Três Rios=tresrios, Ipê Amarelo=ipeamarelo, Açaí=acai"),
        ("Comércio", "Indústria"),
        ("Ltda.", "S.A."),
    ),
    "spanish": Names(
        _paired("José=jose, Begoña=begona, Íñigo=inigo, Lucía=lucia"),
        _paired("Núñez=nunez, Ibáñez=ibanez, García=garcia, Muñoz=munoz"),
        _paired("El Águila=aguila, Peña Blanca=penablanca, Tres Cañones=trescanones"),
        ("Suministros", "Ferretería"),
        ("S.A. de C.V.", "S.L."),
    ),
    "indian": Names(
        _plain("Aarav, Diya, Rohan, Meera, Kabir"),
        _plain("Iyer, Deshmukh, Chatterjee, Rao, Kulkarni"),
        _plain("Lotus, Deccan, Malabar, Himgiri"),
        ("Traders", "Exports", "Engineering"),
        ("Pvt. Ltd.",),
    ),
    "arabic": Names(
        _paired("ليلى=layla, خالد=khalid, مريم=maryam, يوسف=yusuf"),
        _paired("المنصوري=almansoori, الحداد=alhaddad, النعيمي=alnuaimi"),
        _paired("النخلة=alnakhla, الواحة=alwaha, الصقر=alsaqr"),
        ("للتجارة", "للتوريدات"),
        ("ذ.م.م",),
    ),
    "greek": Names(
        _paired("Ελένη=eleni, Γιώργος=giorgos, Σοφία=sofia"),
        _paired("Παπαδάκης=papadakis, Νικολάου=nikolaou, Ιωάννου=ioannou"),
        _paired("Αιγαίο=aigaio, Όλυμπος=olympos, Δελφοί=delfoi"),
        ("Εμπορική", "Εξοπλισμοί"),
        ("Α.Ε.", "Ε.Π.Ε."),
    ),
    "russian": Names(
        _paired("Анна=anna, Дмитрий=dmitry, Ольга=olga, Фёдор=fyodor"),
        _paired("Иванова=ivanova, Соловьёв=solovyov, Кузнецова=kuznetsova"),
        _paired("Северный Ветер=severveter, Заря=zarya, Берёзка=beryozka"),
        ("Снабжение", "Торг"),
        ("ООО", "АО"),
    ),
    "hebrew": Names(
        _paired("נועה=noa, איתן=eitan, תמר=tamar"),
        _paired("כהן=cohen, לוי=levi, שפירא=shapira"),
        _paired("הגליל=hagalil, ארזים=arazim, גלבוע=gilboa"),
        ("אספקה", "שיווק"),
        ('בע"מ',),
    ),
    "thai": Names(
        _paired("สมชาย=somchai, มาลี=malee, อนันต์=anan"),
        _paired("ศรีสุข=srisuk, วงศ์ดี=wongdee, ทองคำ=thongkham"),
        _paired("สยาม=siam, บัวหลวง=bualuang, ช้างเผือก=changphueak"),
        ("การค้า", "อุตสาหกรรม"),
        ("จำกัด",),
    ),
    "italian": Names(
        _paired("Niccolò=niccolo, Giulia=giulia, Davide=davide"),
        _paired("D'Angelo=dangelo, Bianchi=bianchi, Forlì=forli"),
        _paired("Due Torri=duetorri, Città Alta=cittaalta"),
        ("Forniture", "Utensili"),
        ("S.r.l.", "S.p.A."),
    ),
    "nordic": Names(
        _paired("Åsa=asa, Björn=bjorn, Märta=marta"),
        _paired("Sjöberg=sjoberg, Åkesson=akesson, Lindström=lindstrom"),
        _paired("Norrsken=norrsken, Älvdal=alvdal"),
        ("Handel", "Verktyg"),
        ("AB",),
    ),
    "polish": Names(
        _paired("Łukasz=lukasz, Małgorzata=malgorzata, Żaneta=zaneta"),
        _paired("Wójcik=wojcik, Gąsior=gasior, Świątek=swiatek"),
        _paired("Złota Rączka=zlotaraczka, Wisła=wisla"),
        ("Hurtownia", "Narzędzia"),
        ("Sp. z o.o.", "S.A."),
    ),
}
