import ca.uhn.fhir.context.FhirContext;
import ca.uhn.fhir.context.support.DefaultProfileValidationSupport;
import ca.uhn.fhir.context.support.IValidationSupport;
import ca.uhn.fhir.context.support.IValidationSupport.IssueSeverity;
import ca.uhn.fhir.validation.FhirValidator;
import ca.uhn.fhir.validation.SingleValidationMessage;
import com.google.gson.JsonArray;
import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import com.google.gson.JsonParser;
import java.io.IOException;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import org.hl7.fhir.common.hapi.validation.support.CommonCodeSystemsTerminologyService;
import org.hl7.fhir.common.hapi.validation.support.InMemoryTerminologyServerValidationSupport;
import org.hl7.fhir.common.hapi.validation.support.SnapshotGeneratingValidationSupport;
import org.hl7.fhir.common.hapi.validation.support.UnknownCodeSystemWarningValidationSupport;
import org.hl7.fhir.common.hapi.validation.support.ValidationSupportChain;
import org.hl7.fhir.common.hapi.validation.validator.FhirInstanceValidator;
import org.hl7.fhir.r5.utils.validation.constants.BestPracticeWarningLevel;

/**
 * Validates FHIR R4 files against the profiles that they claim, offline, all in one process.
 *
 * <p>{@code HapiCheck PROFILES US-CORE-VERSION CONTEXT FILE...}: the folder of definitions, the version of US Core that
 * a canonical without version means, the resources that references may point at (one a line), the files. Prints
 * {@code file:severity:location: message [profiles]}; exit 1 when there is an error.
 */
public final class HapiCheck {
    private static final String BASE = "http://hl7.org/fhir/StructureDefinition/";

    private final FhirValidator validator;
    private final PrintStream out = new PrintStream(System.out, false, StandardCharsets.UTF_8);
    private boolean failed;

    private HapiCheck(FhirValidator validator) {
        this.validator = validator;
    }

    public static void main(String[] arguments) throws IOException {
        if (arguments.length < 4) {
            System.err.println("HapiCheck PROFILES US-CORE-VERSION CONTEXT FILE...");
            System.exit(2);
        }
        FhirContext context = FhirContext.forR4();
        IValidationSupport ours = Definitions.read(context, Path.of(arguments[0]), arguments[1]);
        HapiCheck check = new HapiCheck(validator(context, ours, Targets.read(Path.of(arguments[2]))));
        for (String file : List.of(arguments).subList(3, arguments.length)) {
            check.file(Path.of(file));
        }
        check.out.flush();
        System.exit(check.failed ? 1 : 0);
    }

    private static FhirValidator validator(FhirContext context, IValidationSupport ours, Targets targets) {
        FhirInstanceValidator module = new FhirInstanceValidator(chain(context, ours));
        module.setAnyExtensionsAllowed(true); // their contexts are checked all the same
        module.setErrorForUnknownProfiles(true); // a claim that nobody can check is no claim
        module.setAssumeValidRestReferences(true); // "Device/1" is a Device, even if it is not at hand
        module.setBestPracticeWarningLevel(BestPracticeWarningLevel.Hint); // dom-6 and its like are advice
        module.setValidatorResourceFetcher(targets);
        module.setValidatorPolicyAdvisor(new ReferencePolicy(targets));
        return context.newValidator().registerValidatorModule(module);
    }

    /** Ours stand first, so that they win over what HAPI carries. */
    private static ValidationSupportChain chain(FhirContext context, IValidationSupport ours) {
        UnknownCodeSystemWarningValidationSupport unknown = new UnknownCodeSystemWarningValidationSupport(context);
        unknown.setNonExistentCodeSystemSeverity(IssueSeverity.WARNING); // SNOMED CT, LOINC and others are not here
        return new ValidationSupportChain(
                ours,
                new DefaultProfileValidationSupport(context),
                new CommonCodeSystemsTerminologyService(context),
                new InMemoryTerminologyServerValidationSupport(context),
                new SnapshotGeneratingValidationSupport(context),
                unknown);
    }

    /** The raw text is validated and not a parsed object, since HAPI's parser forgives. */
    private void file(Path file) throws IOException {
        String text = Files.readString(file);
        JsonObject resource = JsonParser.parseString(text).getAsJsonObject();
        String type = resource.get("resourceType").getAsString();
        String profiles = String.join(" ", claimed(resource, type));
        List<SingleValidationMessage> messages = validator.validateWithResult(text).getMessages();
        for (SingleValidationMessage message : messages) {
            String severity = Severity.of(message, messages);
            failed |= severity.equals(Severity.ERROR);
            String words = message.getMessage().replaceAll("\\s+", " ").strip();
            String place = Objects.requireNonNullElse(message.getLocationString(), type);
            out.printf("%s:%s:%s: %s [%s]%n", file.getFileName(), severity, place, words, profiles);
        }
    }

    private static List<String> claimed(JsonObject resource, String type) {
        JsonObject meta = resource.getAsJsonObject("meta");
        JsonArray profiles = meta == null ? null : meta.getAsJsonArray("profile");
        if (profiles == null) {
            return List.of(BASE + type);
        }
        List<String> found = new ArrayList<>();
        for (JsonElement profile : profiles) {
            found.add(profile.getAsString());
        }
        return found;
    }
}
