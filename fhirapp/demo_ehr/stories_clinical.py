"""Six patients who show what the rules do with a harder chart."""

from __future__ import annotations

from fhirapp.demo_ehr.chart_codes import SNOMED
from fhirapp.demo_ehr.charts import Chart
from fhirapp.demo_ehr.story_parts import BREAST, COLON, ENGLISH, LUNG, answered, counts, fine, surgical


def kim(chart: Chart) -> None:
    chart.patient(
        "Kim",
        "Sungmin",
        64,
        "female",
        language=("ko", "Korean"),
        phone="+1 555 0151",
        email="kim.sungmin@example.org",
        interpreter=True,
    )
    chart.condition("cancer", "C50.912", "Malignant neoplasm of left female breast", 1180, snomed=BREAST)
    chart.condition(
        "bone-metastases",
        "C79.51",
        "Secondary malignant neoplasm of bone, right iliac crest",
        410,
        snomed=("94222008", "Secondary malignant neoplasm of bone"),
    )
    chart.ordered("letrozole", 400, "2.5 mg once a day")
    chart.weights(d170=61.8, d100=61.5, d40=61.9, d4=61.7)
    chart.vitals(40, height=158, bmi=24.7)
    counts(chart, 6, platelets=204, hb=119, anc=2.9)
    fine(chart)
    chart.symptoms(10, mirels=5, sins=4)
    chart.exam(18, sts30=13, tug=9.4)
    chart.activity(11, days=3, minutes=20, strength=0)
    chart.visit(4)
    answered(chart)


def lou(chart: Chart) -> None:
    chart.patient("Louis", "Amari", 59, "male", language=ENGLISH, phone="+1 555 0152")
    chart.condition("cancer", "C83.31", "Diffuse large B-cell lymphoma, lymph nodes of head, face and neck", 80)
    chart.condition("neutropenia", "D70.1", "Agranulocytosis secondary to cancer chemotherapy", 1)
    chart.condition("neutropenic-fever", "R50.81", "Fever presenting with conditions classified elsewhere", 1)
    chart.given("doxorubicin", 31, 10, mg=100, text="50 mg/m2")
    chart.given("cyclophosphamide", 31, 10, mg=1500, text="750 mg/m2")
    chart.weights(d150=90.2, d80=88.9, d31=88.1, d10=87.9)
    chart.vitals(31, height=180, bmi=27.2)
    counts(chart, 10, platelets=151, hb=109, anc=1.4)
    chart.labs(1, platelets=64, hb=98, anc=0.3, wbc=0.9, crp=118)
    chart.vitals(1, bp=(104, 62), hr_rest=112, spo2=95, rr=22, temp=38.7)
    chart.ecog(2, 1)
    chart.exam(55, lvef=58)
    chart.symptoms(1, fatigue_nrs=8, pain=3, chills=True, dizziness=True)
    chart.visit(10)
    chart.answers(1, fever=True)


def mia(chart: Chart) -> None:
    chart.patient("Mia", "Halvorsen", 56, "female", language=ENGLISH, phone="+1 555 0153", email="mia.h@example.org")
    chart.condition("cancer", "C54.1", "Malignant neoplasm of endometrium", 820, clinical="remission")
    chart.procedure("surgery", "116028008", "Salpingo-oophorectomy and hysterectomy", 770, category=surgical())
    chart.weights(d175=76.1, d110=75.8, d50=76.4, d9=76.0)
    chart.vitals(50, height=170, bmi=26.4)
    counts(chart, 30, platelets=254, hb=134, anc=4.1)
    fine(chart, ecog=0, hr_rest=66)
    chart.exam(22, sts30=19, walk=562, tug=6.9)
    chart.activity(9, days=4, minutes=30, strength=1)
    chart.visit(9)
    answered(chart)


def ned(chart: Chart) -> None:
    chart.patient("Edward", "Byrne", 67, "male", language=ENGLISH, phone="+1 555 0154")
    chart.condition("cancer", "C34.12", "Malignant neoplasm of upper lobe, left lung", 32, snomed=LUNG)
    lobectomy = {"coding": [{"system": SNOMED, "code": "173171007", "display": "Lobectomy of lung"}]}
    chart.add(
        "ServiceRequest",
        "operation",
        status="active",
        intent="order",
        category=[surgical()],
        code=lobectomy | {"text": "Left upper lobectomy"},
        subject=chart.subject,
        occurrenceDateTime=chart.day(-21),
        authoredOn=chart.moment(5),
        requester={"reference": "Practitioner/dr-lind", "display": "Dr Maren Lind"},
        reasonReference=[{"reference": f"Condition/{chart.patient_id}-cancer"}],
    )
    chart.weights(d160=86.0, d90=85.1, d30=84.4, d5=84.2)
    chart.vitals(30, height=176, bmi=27.2)
    counts(chart, 4, platelets=241, hb=138, anc=4.6)
    fine(chart, hr_rest=77, spo2=96)
    chart.exam(6, fev1=2.3, sts30=13, walk=432, grip_r=36)
    chart.observation(
        "smoking",
        "social-history",
        {"coding": [{"system": "http://loinc.org", "code": "72166-2", "display": "Tobacco smoking status"}]},
        30,
        valueCodeableConcept={"coding": [{"system": SNOMED, "code": "8517006", "display": "Ex-smoker"}]},
    )
    chart.activity(6, days=2, minutes=15, strength=0)
    chart.visit(5)
    answered(chart)


def oli(chart: Chart) -> None:
    chart.patient("Olivia", "Brandt", 62, "female", language=("de", "German"), phone="+1 555 0155", interpreter=True)
    chart.condition("cancer", "C18.0", "Malignant neoplasm of cecum", 240, snomed=COLON)
    chart.condition("neuropathy", "G62.0", "Drug-induced polyneuropathy", 40)
    chart.condition("fall", "Z91.81", "History of falling", 24)
    chart.procedure("surgery", "359571009", "Right hemicolectomy", 205, category=surgical())
    chart.ordered("oxaliplatin", 150, "85 mg/m2 every 14 days", category="inpatient")
    chart.given("oxaliplatin", 41, 27, 13, mg=155, text="85 mg/m2 over 2 h")
    chart.given("fluorouracil", 41, 27, 13, mg=4500, text="2400 mg/m2 over 46 h")
    chart.weights(d170=72.7, d100=71.9, d41=71.6, d13=71.8)
    chart.vitals(41, height=168, bmi=25.4)
    counts(chart, 3, platelets=148, hb=111, anc=2.3)
    chart.vitals(1, bp=(118, 74), hr_rest=79, spo2=97, rr=16, temp=36.5)
    chart.ecog(1, 6)
    chart.symptoms(
        2,
        pain=2,
        fatigue_nrs=6,
        falls_12_months=1,
        dyspnoea_mmrc=1,
        gi_ctcae=0,
        numbness=True,
        weakness=False,
        dizziness=False,
        swelling_new=False,
        calf_pain=False,
        chills=False,
        cough=False,
    )
    chart.exam(14, tug=10.6, sts30=12)
    chart.activity(8, days=1, minutes=20, strength=0)
    chart.visit(3)
    answered(chart)


def pia(chart: Chart) -> None:
    chart.patient("Pia", "Lund", 51, "unknown")
    chart.condition("cancer", "C73", "Malignant neoplasm of thyroid gland", 60)
    chart.answers(1)
