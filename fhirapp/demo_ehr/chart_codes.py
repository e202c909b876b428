"""The codes that the invented charts are written in. Source: observations.md; rules.md section 12."""

from __future__ import annotations

from typing import Final

SNOMED: Final = "http://snomed.info/sct"
LOINC: Final = "http://loinc.org"
ICD10CM: Final = "http://hl7.org/fhir/sid/icd-10-cm"
RXNORM: Final = "http://www.nlm.nih.gov/research/umls/rxnorm"
UCUM: Final = "http://unitsofmeasure.org"
TERMINOLOGY: Final = "http://terminology.hl7.org/CodeSystem"
PA: Final = "http://hl7.org/fhir/us/physical-activity"
INTERPRETER: Final = "http://hl7.org/fhir/StructureDefinition/patient-interpreterRequired"
EHR_BASE: Final = "https://demo-ehr.example.org"

# alias: (LOINC code, display, UCUM unit)
LABORATORY: Final = {
    "platelets": ("777-3", "Platelets [#/volume] in Blood by Automated count", "10*9/L"),
    "hb": ("718-7", "Hemoglobin [Mass/volume] in Blood", "g/L"),
    "anc": ("751-8", "Neutrophils [#/volume] in Blood by Automated count", "10*9/L"),
    "wbc": ("6690-2", "Leukocytes [#/volume] in Blood by Automated count", "10*9/L"),
    "crp": ("1988-5", "C reactive protein [Mass/volume] in Serum or Plasma", "mg/L"),
    "albumin": ("1751-7", "Albumin [Mass/volume] in Serum or Plasma", "g/L"),
    "creat": ("38483-4", "Creatinine [Mass/volume] in Blood", "mg/dL"),
    "k": ("2823-3", "Potassium [Moles/volume] in Serum or Plasma", "mmol/L"),
    "na": ("2951-2", "Sodium [Moles/volume] in Serum or Plasma", "mmol/L"),
    "ca": ("17861-6", "Calcium [Mass/volume] in Serum or Plasma", "mg/dL"),
    "glucose": ("2345-7", "Glucose [Mass/volume] in Serum or Plasma", "mg/dL"),
}
VITAL: Final = {
    "hr_rest": ("8867-4", "Heart rate", "/min"),
    "spo2": ("59408-5", "Oxygen saturation in Arterial blood by Pulse oximetry", "%"),
    "rr": ("9279-1", "Respiratory rate", "/min"),
    "temp": ("8310-5", "Body temperature", "Cel"),
    "weight": ("29463-7", "Body weight", "kg"),
    "height": ("8302-2", "Body height", "cm"),
    "bmi": ("39156-5", "Body mass index (BMI) [Ratio]", "kg/m2"),
}
EXAM: Final = {
    "lvef": ("10230-1", "Left ventricular Ejection fraction", "%"),
    "fev1": ("20150-9", "FEV1", "L"),
    "walk": ("64098-7", "Six minute walk test", "m"),
    "sts30": ("66247-8", "Sit to stand frequency in 30 seconds", "{count}"),
    "tug": ("89423-8", "Timed Up and Go", "s"),
    "grip_r": ("83174-3", "Grip strength Hand - right", "kg"),
}
ACTIVITY: Final = {
    "days": ("89555-7", "pa-observation-evs-days-per-week", "d/wk"),
    "minutes": ("68516-4", "pa-observation-evs-min-per-day", "min/d"),
    "week": ("82290-8", "pa-observation-evs-min-per-week", "min/wk"),
    "strength": ("82291-6", "pa-observation-strength-days-per-week", "d/wk"),
}
QUESTIONS: Final = {
    "chest-pain": "Chest pain or pressure in the last two weeks?",
    "syncope": "Fainted or blacked out?",
    "new-dyspnoea": "Short of breath in a new way?",
    "back-red-flags": "New back pain with weak legs, numbness, or trouble with bladder or bowel?",
    "bleeding": "Any bleeding that is not normal for you?",
    "fever": "Fever or chills?",
}
DRUGS: Final = {
    "paclitaxel": "56946",
    "docetaxel": "72962",
    "doxorubicin": "3639",
    "cyclophosphamide": "3002",
    "oxaliplatin": "32592",
    "capecitabine": "194000",
    "fluorouracil": "4492",
    "carboplatin": "40048",
    "cisplatin": "2555",
    "gemcitabine": "12574",
    "vincristine": "11202",
    "letrozole": "72965",
    "pembrolizumab": "1547545",
    "amlodipine": "17767",
}
