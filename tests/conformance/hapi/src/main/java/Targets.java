import com.google.gson.JsonObject;
import com.google.gson.JsonParser;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import org.hl7.fhir.r5.elementmodel.Element;
import org.hl7.fhir.r5.elementmodel.Manager;
import org.hl7.fhir.r5.elementmodel.Manager.FhirFormat;
import org.hl7.fhir.r5.model.CanonicalResource;
import org.hl7.fhir.r5.model.CanonicalType;
import org.hl7.fhir.r5.utils.validation.IResourceValidator;
import org.hl7.fhir.r5.utils.validation.IValidatorResourceFetcher;

/** The resources that references may point at: read from a file, never from a network. */
final class Targets implements IValidatorResourceFetcher {
    private final Map<String, String> texts = new HashMap<>();

    private Targets() {}

    /** One resource a line; of two with the same type and id the first is kept. */
    static Targets read(Path file) throws IOException {
        Targets targets = new Targets();
        for (String line : Files.readAllLines(file)) {
            JsonObject resource = JsonParser.parseString(line).getAsJsonObject();
            String name = resource.get("resourceType").getAsString() + "/" + resource.get("id").getAsString();
            targets.texts.putIfAbsent(name, line);
        }
        return targets;
    }

    boolean has(String reference) {
        return texts.containsKey(reference);
    }

    @Override
    public Element fetch(IResourceValidator validator, Object appContext, String reference) throws IOException {
        String text = texts.get(reference);
        if (text == null) {
            return null;
        }
        byte[] bytes = text.getBytes(StandardCharsets.UTF_8);
        return Manager.parseSingle(validator.getContext(), new ByteArrayInputStream(bytes), FhirFormat.JSON);
    }

    /** Addresses of systems and guides are names to us: nobody promised that a page stands there. */
    @Override
    public boolean resolveURL(
            IResourceValidator validator,
            Object appContext,
            String path,
            String url,
            String type,
            boolean canonical,
            List<CanonicalType> targets) {
        return true;
    }

    @Override
    public byte[] fetchRaw(IResourceValidator validator, String url) {
        throw new UnsupportedOperationException("nothing is fetched from a network: " + url);
    }

    @Override
    public IValidatorResourceFetcher setLocale(Locale locale) {
        return this;
    }

    @Override
    public CanonicalResource fetchCanonicalResource(IResourceValidator validator, Object appContext, String url) {
        return null;
    }

    @Override
    public boolean fetchesCanonicalResource(IResourceValidator validator, String url) {
        return false;
    }

    @Override
    public Set<ResourceVersionInformation> fetchCanonicalResourceVersions(
            IResourceValidator validator, Object appContext, String url) {
        return Set.of();
    }
}
