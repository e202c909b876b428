import ca.uhn.fhir.validation.ResultSeverityEnum;
import ca.uhn.fhir.validation.SingleValidationMessage;
import java.util.List;
import java.util.Objects;

/** What a message weighs with us: error, warning or note. */
final class Severity {
    static final String ERROR = "error";
    private static final String WARNING = "warning";
    private static final String NOTE = "note";

    /** The message of HAPI's terminology service, passed through: as a warning it says that a code system is absent. */
    private static final String FROM_TERMINOLOGY = "Terminology_PassThrough_TX_Message";
    /** How the ids of all messages on bindings begin. */
    private static final String ON_BINDING = "Terminology_TX_";
    /** Questionnaires are no part of what is loaded. */
    private static final String NO_QUESTIONNAIRE = "Questionnaire_QR_Q_NotFound";

    private Severity() {}

    /** A warning that only says what we lack (SNOMED CT, LOINC, value sets of VSAC) is a note; an error stays one. */
    static String of(SingleValidationMessage message, List<SingleValidationMessage> all) {
        if (message.getSeverity().compareTo(ResultSeverityEnum.ERROR) >= 0) {
            return ERROR;
        }
        if (message.getSeverity() == ResultSeverityEnum.INFORMATION || tellsWhatIsLacking(message)) {
            return NOTE;
        }
        return isOnBinding(message) && all.stream().anyMatch(other -> cannotBeDecided(other, message)) ? NOTE : WARNING;
    }

    private static boolean tellsWhatIsLacking(SingleValidationMessage message) {
        return isA(message, FROM_TERMINOLOGY) || isA(message, NO_QUESTIONNAIRE);
    }

    private static boolean isOnBinding(SingleValidationMessage message) {
        return message.getMessageId() != null && message.getMessageId().startsWith(ON_BINDING);
    }

    /** HAPI takes a value set that it cannot expand for one that does not hold the code, and says both. */
    private static boolean cannotBeDecided(SingleValidationMessage other, SingleValidationMessage message) {
        return isA(other, FROM_TERMINOLOGY)
                && other.getSeverity() == ResultSeverityEnum.WARNING
                && other.getMessage().contains("Unable to expand")
                && Objects.equals(other.getLocationString(), message.getLocationString());
    }

    private static boolean isA(SingleValidationMessage message, String id) {
        return id.equals(message.getMessageId());
    }
}
