import org.hl7.fhir.common.hapi.validation.validator.FhirDefaultPolicyAdvisor;
import org.hl7.fhir.r5.utils.validation.IResourceValidator;
import org.hl7.fhir.r5.utils.validation.constants.ReferenceValidationPolicy;

/** How far a reference is followed: HAPI's default is not at all, which hides a target of the wrong type. */
final class ReferencePolicy extends FhirDefaultPolicyAdvisor {
    private final Targets targets;

    ReferencePolicy(Targets targets) {
        this.targets = targets;
    }

    @Override
    public ReferenceValidationPolicy policyForReference(
            IResourceValidator validator,
            Object appContext,
            String path,
            String reference,
            ReferenceDestinationType destination) {
        boolean known = destination != ReferenceDestinationType.EXTERNAL || targets.has(reference);
        return known ? ReferenceValidationPolicy.CHECK_VALID : ReferenceValidationPolicy.CHECK_TYPE_IF_EXISTS;
    }

    @Override
    public ReferenceValidationPolicy getReferencePolicy() {
        return ReferenceValidationPolicy.CHECK_VALID;
    }
}
