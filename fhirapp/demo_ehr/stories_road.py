"""The ten patients whose stories the demo tells end to end."""

from __future__ import annotations

from fhirapp.demo_ehr.chart_codes import SNOMED
from fhirapp.demo_ehr.charts import Chart
from fhirapp.demo_ehr.story_parts import BREAST, COLON, ENGLISH, LUNG, OVARY, TESTIS, answered, counts, fine, surgical


def ada(chart: Chart) -> None:
    chart.patient("Ada", "Marlow", 58, "female", language=ENGLISH, phone="+1 555 0141", email="ada.marlow@example.org")
    chart.condition("cancer", "C50.412", "Malignant neoplasm of left female breast", 215, snomed=BREAST)
    chart.procedure("surgery", "392021009", "Lumpectomy of left breast", 128, category=surgical())
    chart.ordered("paclitaxel", 62, "80 mg/m2 every week, 12 doses", category="inpatient")
    chart.given("paclitaxel", 20, 13, 6, mg=144, text="80 mg/m2 over 1 h")
    chart.weights(d170=70.4, d110=69.8, d62=69.5, d20=69.9, d6=70.1)
    chart.vitals(20, height=167, bmi=25.1)
    counts(chart, 13, platelets=231, hb=121, anc=3.6)
    counts(chart)
    fine(chart)
    chart.exam(15, sts30=15, walk=496)
    chart.activity(8, days=2, minutes=20, strength=0)
    chart.visit(3)
    answered(chart)


def bea(chart: Chart) -> None:
    chart.patient("Beata", "Nowak", 63, "female", language=("pl", "Polish"), phone="+1 555 0142", interpreter=True)
    chart.condition("cancer", "C18.7", "Malignant neoplasm of sigmoid colon", 190, snomed=COLON)
    chart.condition("hypertension", "I10", "Essential (primary) hypertension", 2600)
    chart.procedure("surgery", "174071006", "Sigmoid colectomy", 140, category=surgical())
    chart.ordered("capecitabine", 70, "1000 mg/m2 twice a day on days 1 to 14 of 21", category="outpatient")
    chart.ordered("amlodipine", 900, "5 mg once a day")
    chart.given("oxaliplatin", 48, 27, 6, mg=240, text="130 mg/m2 over 2 h")
    chart.weights(d175=81.0, d120=78.9, d48=79.6, d6=79.9)
    chart.vitals(27, height=161, bmi=30.8)
    counts(chart, 2, platelets=164, hb=112, anc=2.4)
    fine(chart, hr_rest=78)
    chart.exam(12, sts30=12, tug=9.1)
    chart.activity(10, days=1, minutes=15, strength=0)
    chart.visit(2)
    answered(chart)


def cleo(chart: Chart) -> None:
    chart.patient(
        "Cleofé",
        "Arroyo",
        47,
        "female",
        language=("es", "Spanish"),
        phone="+1 555 0143",
        email="cleofe.arroyo@example.org",
        interpreter=True,
    )
    chart.condition("cancer", "C50.911", "Malignant neoplasm of right female breast", 160, snomed=BREAST)
    chart.procedure("surgery", "392021009", "Lumpectomy of right breast", 112, category=surgical())
    chart.procedure(
        "radiotherapy",
        "1217123003",
        "Radiotherapy course of treatment",
        17,
        status="in-progress",
        performedPeriod={"start": chart.day(17)},
        bodySite=[{"text": "Right breast"}],
        reasonReference=[{"reference": f"Condition/{chart.patient_id}-cancer"}],
    )
    chart.weights(d150=64.2, d90=64.0, d17=63.6, d3=63.5)
    chart.vitals(17, height=159, bmi=25.2)
    counts(chart, 9, platelets=268, hb=127, anc=4.4)
    fine(chart, ecog=0, hr_rest=69)
    chart.observation(
        "pregnancy",
        "social-history",
        {"coding": [{"system": "http://loinc.org", "code": "82810-3", "display": "Pregnancy status"}]},
        17,
        valueCodeableConcept={
            "coding": [{"system": SNOMED, "code": "60001007", "display": "Not pregnant"}],
        },
    )
    chart.exam(14, sts30=17, walk=540)
    chart.activity(6, days=3, minutes=25, strength=1)
    chart.visit(3)
    answered(chart)


def dan(chart: Chart) -> None:
    chart.patient("Daniel", "Osei", 66, "male", language=ENGLISH, phone="+1 555 0144")
    chart.condition("cancer", "C34.11", "Malignant neoplasm of upper lobe, right lung", 120, snomed=LUNG)
    chart.ordered("carboplatin", 60, "AUC 5 on day 1 of 21", category="inpatient")
    chart.given("carboplatin", 34, 13, mg=450, text="AUC 5")
    chart.given("gemcitabine", 34, 13, mg=1850, text="1000 mg/m2")
    chart.weights(d160=74.9, d90=73.8, d34=73.4, d13=73.1)
    chart.vitals(13, height=178, bmi=23.1)
    counts(chart, 13, platelets=118, hb=104, anc=2.2)
    counts(chart, 1, platelets=8, hb=96, anc=1.2)
    fine(chart, hr_rest=84, spo2=96)
    chart.activity(12, days=1, minutes=10, strength=0)
    chart.visit(1)
    answered(chart)


def eva(chart: Chart) -> None:
    chart.patient(
        "Eva",
        "Lemaire",
        61,
        "female",
        language=("fr", "French"),
        phone="+1 555 0145",
        email="eva.lemaire@example.org",
    )
    chart.condition("cancer", "C56.2", "Malignant neoplasm of left ovary", 170, snomed=OVARY)
    chart.procedure("surgery", "387713003", "Debulking operation for ovarian cancer", 118, category=surgical())
    chart.ordered("carboplatin", 80, "AUC 5 on day 1 of 21", category="inpatient")
    chart.given("carboplatin", 48, 27, 6, mg=450, text="AUC 5")
    chart.given("paclitaxel", 48, 27, 6, mg=300, text="175 mg/m2 over 3 h")
    chart.weights(d165=66.3, d100=64.9, d48=64.7, d6=65.0)
    chart.vitals(27, height=164, bmi=24.2)
    counts(chart, 27, platelets=188, hb=110, anc=2.9)
    counts(chart, 2, platelets=142, hb=108, anc=2.0)
    fine(chart, hr_rest=80)
    chart.activity(9, days=2, minutes=15, strength=0)
    chart.visit(2)
    answered(chart)


def fred(chart: Chart) -> None:
    chart.patient("Frederick", "Hale", 60, "male", language=ENGLISH, phone="+1 555 0146", email="fred.hale@example.org")
    chart.condition(
        "hypertension",
        "I10",
        "Essential (primary) hypertension",
        1500,
        snomed=("38341003", "Hypertensive disorder"),
    )
    chart.ordered("amlodipine", 1400, "5 mg once a day")
    chart.vitals(12, bp=(134, 82), hr_rest=70, spo2=98, weight=88.2, height=181, bmi=26.9)
    chart.labs(12, k=4.4, na=140, creat=1.0, glucose=96)
    chart.activity(12, days=4, minutes=40, strength=1)


def gus(chart: Chart) -> None:
    chart.patient(
        "Guus",
        "de Wit",
        69,
        "male",
        language=("nl", "Dutch"),
        phone="+1 555 0147",
        email="guus.dewit@example.org",
    )
    chart.condition("cancer", "C83.38", "Diffuse large B-cell lymphoma, lymph nodes of multiple sites", 95)
    chart.ordered("doxorubicin", 50, "50 mg/m2 on day 1 of 21", category="inpatient")
    chart.given("doxorubicin", 27, 6, mg=100, text="50 mg/m2")
    chart.given("cyclophosphamide", 27, 6, mg=1500, text="750 mg/m2")
    chart.given("vincristine", 27, 6, mg=2, text="1.4 mg/m2, at most 2 mg")
    chart.weights(d170=83.5, d90=82.4, d27=82.0, d6=82.6)
    chart.vitals(27, height=183, bmi=24.7)
    counts(chart, 2, platelets=176, hb=116, anc=1.9)
    fine(chart, hr_rest=76)
    chart.exam(52, lvef=61)
    chart.exam(18, grip_r=34, sts30=13)
    chart.activity(7, days=3, minutes=20, strength=0)
    chart.visit(2)
    answered(chart)


def hana(chart: Chart) -> None:
    chart.patient("Hana", "Mori", 57, "female", language=("ja", "Japanese"), phone="+1 555 0148", interpreter=True)
    chart.condition("cancer", "C54.1", "Malignant neoplasm of endometrium", 150)
    chart.procedure("surgery", "116028008", "Salpingo-oophorectomy and hysterectomy", 121, category=surgical())
    chart.ordered("paclitaxel", 70, "175 mg/m2 on day 1 of 21", category="inpatient")
    chart.given("carboplatin", 48, 27, 6, mg=540, text="AUC 6")
    chart.given("paclitaxel", 48, 27, 6, mg=300, text="175 mg/m2 over 3 h")
    chart.weights(d140=58.1, d80=57.6, d27=57.4, d6=57.7)
    chart.vitals(27, height=156, bmi=23.6)
    counts(chart, 2, platelets=195, hb=114, anc=2.7)
    fine(chart)
    chart.activity(5, days=3, minutes=15, strength=1)
    chart.visit(2)
    answered(chart)


def ivo(chart: Chart) -> None:
    chart.patient("Ivo", "Kovač", 72, "male", language=("hr", "Croatian"), phone="+1 555 0149")
    chart.condition("cancer", "C18.2", "Malignant neoplasm of ascending colon", 165, snomed=COLON)
    chart.procedure("surgery", "359571009", "Right hemicolectomy", 126, category=surgical())
    chart.ordered("fluorouracil", 75, "2400 mg/m2 over 46 h every 14 days", category="inpatient")
    chart.given("fluorouracil", 34, 20, 6, mg=4500, text="2400 mg/m2 over 46 h")
    chart.weights(d160=79.2, d100=77.8, d34=78.0, d6=78.3)
    chart.vitals(20, height=174, bmi=25.8)
    counts(chart, 2, platelets=158, hb=115, anc=2.6)
    fine(chart, hr_rest=72)
    chart.exam(25, tug=9.8, sts30=13)
    chart.activity(20, days=2, minutes=30, strength=0)
    chart.visit(2)


def jo(chart: Chart) -> None:
    chart.patient("Jo", "Ferris", 34, "other", language=ENGLISH, phone="+1 555 0150", email="jo.ferris@example.org")
    chart.condition("cancer", "C62.92", "Malignant neoplasm of left testis", 140, snomed=TESTIS)
    chart.procedure("surgery", "387713003", "Orchidectomy", 120, category=surgical())
    chart.ordered("cisplatin", 50, "20 mg/m2 on days 1 to 5 of 21", category="inpatient")
    chart.given("cisplatin", 31, 10, mg=37, text="20 mg/m2")
    chart.weights(d130=71.0, d80=70.6, d31=70.1, d10=70.4)
    chart.vitals(31, height=176, bmi=22.7)
    counts(chart, 2, platelets=189, hb=122, anc=2.2)
    fine(chart, hr_rest=68)
    chart.exam(20, walk=588, grip_r=41)
    chart.activity(4, days=3, minutes=30, strength=1)
    chart.visit(2)
    answered(chart)
