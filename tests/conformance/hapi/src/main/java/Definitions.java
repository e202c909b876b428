import ca.uhn.fhir.context.FhirContext;
import ca.uhn.fhir.parser.IParser;
import java.io.IOException;
import java.io.InputStream;
import java.io.InputStreamReader;
import java.io.Reader;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Comparator;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.stream.Stream;
import java.util.zip.GZIPInputStream;
import org.hl7.fhir.common.hapi.validation.support.PrePopulatedValidationSupport;
import org.hl7.fhir.instance.model.api.IBaseResource;
import org.hl7.fhir.r4.model.Bundle;
import org.hl7.fhir.r4.model.MetadataResource;

/** The profiles and terminology of a folder "package id/version/package", less what HAPI carries itself. */
final class Definitions {
    /** HAPI has R4 itself in a jar, with all that our slimmed copy lacks. */
    private static final String R4 = "hl7.fhir.r4.core";
    private static final String US_CORE = "hl7.fhir.us.core";

    private final PrePopulatedValidationSupport support;
    private final IParser parser;
    private final Set<String> known = new HashSet<>();

    private Definitions(FhirContext context) {
        support = new PrePopulatedValidationSupport(context);
        parser = context.newJsonParser();
    }

    /**
     * The definitions below {@code folder}. Two versions of US Core share canonicals, and HAPI would take the higher
     * one for a canonical without version; so {@code usCore} is read first, and of the others only what it lacks.
     */
    static PrePopulatedValidationSupport read(FhirContext context, Path folder, String usCore) throws IOException {
        Definitions definitions = new Definitions(context);
        Path preferred = folder.resolve(US_CORE).resolve(usCore).resolve("package");
        if (!Files.isDirectory(preferred)) {
            throw new IOException("no US Core " + usCore + " in " + folder);
        }
        definitions.addPackage(preferred);
        for (Path other : packages(folder)) {
            if (!other.equals(preferred)) {
                definitions.addPackage(other);
            }
        }
        return definitions.support;
    }

    private static List<Path> packages(Path folder) throws IOException {
        try (Stream<Path> found = Files.find(folder, 3, (path, kind) -> kind.isDirectory() && path.endsWith("package"))) {
            return found.filter(path -> !path.startsWith(folder.resolve(R4))).sorted(Comparator.reverseOrder()).toList();
        }
    }

    private void addPackage(Path folder) throws IOException {
        try (Stream<Path> files = Files.list(folder)) {
            for (Path file : files.filter(Definitions::holdsDefinitions).sorted().toList()) {
                add(parse(file));
            }
        }
    }

    private static boolean holdsDefinitions(Path file) {
        String name = file.getFileName().toString();
        return !name.equals("package.json") && (name.endsWith(".json") || name.endsWith(".json.gz"));
    }

    private IBaseResource parse(Path file) throws IOException {
        boolean packed = file.toString().endsWith(".gz");
        try (InputStream bytes = Files.newInputStream(file);
                InputStream plain = packed ? new GZIPInputStream(bytes) : bytes;
                Reader text = new InputStreamReader(plain, StandardCharsets.UTF_8)) {
            return parser.parseResource(text);
        }
    }

    private void add(IBaseResource resource) {
        if (resource instanceof Bundle bundle) {
            bundle.getEntry().forEach(entry -> add(entry.getResource()));
        } else if (resource instanceof MetadataResource definition && known.add(definition.getUrl())) {
            support.addResource(definition);
        }
    }
}
