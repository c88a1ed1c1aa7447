package elms.server;

import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.fields;
import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.noClasses;
import static com.tngtech.archunit.library.dependencies.SlicesRuleDefinition.slices;

import com.tngtech.archunit.core.importer.ImportOption;
import com.tngtech.archunit.core.importer.Location;
import com.tngtech.archunit.junit.AnalyzeClasses;
import com.tngtech.archunit.junit.ArchTest;
import com.tngtech.archunit.lang.ArchRule;

/** What the Maven modules alone do not hold the code to. */
@AnalyzeClasses(packages = "elms", importOptions = ArchitectureTest.NoTests.class)
class ArchitectureTest {
    /** Neither the tests of this module nor the test jars of others. */
    static final class NoTests implements ImportOption {
        @Override
        public boolean includes(Location location) {
            return !location.contains("-tests.jar") && new ImportOption.DoNotIncludeTests().includes(location);
        }
    }

    @ArchTest
    static final ArchRule NO_MUTABLE_STATICS = fields().that().areStatic().should().beFinal();

    @ArchTest
    static final ArchRule PACKAGES_FORM_NO_CYCLES = slices().matching("elms.(*)..").should().beFreeOfCycles();

    @ArchTest
    static final ArchRule ENGINE_PACKAGES_FORM_NO_CYCLES = slices().matching("elms.engine.(*)..").should().beFreeOfCycles();

    @ArchTest
    static final ArchRule ONLY_THE_COMMAND_LINE_PRINTS = noClasses().that().resideOutsideOfPackage("elms.server.cli..")
            .should().accessField(System.class, "out").orShould().accessField(System.class, "err");

    @ArchTest
    static final ArchRule PHONES_GET_NO_DESKTOP_JAVA = noClasses()
            .that().resideInAnyPackage("elms.kernels", "elms.engine..", "elms.planner..", "elms.service..")
            .should().dependOnClassesThat().resideInAnyPackage("java.lang.foreign..", "jdk.incubator..", "java.net.http..");
}
