package elms.server.http;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;
import java.util.logging.Level;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.openqa.selenium.By;
import org.openqa.selenium.Keys;
import org.openqa.selenium.OutputType;
import org.openqa.selenium.WebElement;
import org.openqa.selenium.chrome.ChromeDriver;
import org.openqa.selenium.chrome.ChromeDriverService;
import org.openqa.selenium.chrome.ChromeOptions;
import org.openqa.selenium.logging.LogType;

/**
 * The page in headless Chromium; skipped where Chromium and its driver are not installed. With {@code -Delms.smollm2=FILE} the
 * pictures in {@code target/page} show a chat with that model.
 */
@Timeout(120)
class PageTest {
    private static final Path PICTURES = Path.of("target", "page");

    @TempDir
    static Path folder;

    private static HttpServer server;
    private static ChromeDriver browser;

    @BeforeAll
    static void open() {
        Optional<Path> chromium = program("chromium", "chromium-browser", "google-chrome");
        Optional<Path> driver = program("chromedriver");
        assumeTrue(chromium.isPresent() && driver.isPresent(), "no browser: install Debian's chromium and chromium-driver");
        server = SmolLm2Server.startIfThere(folder).orElseGet(() -> NanoServer.start(folder, ServerSettings.local()).server());
        ChromeOptions options = new ChromeOptions();
        options.setBinary(chromium.get().toFile());
        options.addArguments("--headless=new", "--disable-gpu", "--hide-scrollbars", "--disable-background-networking");
        if (System.getProperty("user.name").equals("root")) {
            options.addArguments("--no-sandbox");
        }
        browser = new ChromeDriver(new ChromeDriverService.Builder().usingDriverExecutable(driver.get().toFile()).build(),
                options);
    }

    private static Optional<Path> program(String... names) {
        return Stream.of(System.getenv().getOrDefault("PATH", "").split(":"))
                .flatMap(folder -> Stream.of(names).map(name -> Path.of(folder, name))).filter(Files::isExecutable).findFirst();
    }

    @AfterAll
    static void close() {
        if (browser != null) {
            browser.quit();
            server.close();
        }
    }

    @BeforeEach
    void load() throws InterruptedException {
        look("light", 1280, 860, false);
        browser.get("http://127.0.0.1:" + server.port() + "/");
        until("document.getElementById('preview').textContent.startsWith('Would read')");
    }

    /** A refusal, such as of a chat that is too long, the page tells in words. */
    @AfterEach
    void noScriptFailsAndNothingComesFromElsewhere() {
        assertThat(browser.manage().logs().get(LogType.BROWSER).getAll()).filteredOn(entry -> entry.getLevel().intValue()
                >= Level.SEVERE.intValue()).filteredOn(entry -> !entry.getMessage().contains("status of 400")).isEmpty();
        assertThat((List<?>) browser.executeScript("return performance.getEntriesByType('resource').map(entry => entry.name)"))
                .isNotEmpty().allMatch(name -> name.toString().startsWith("http://127.0.0.1:" + server.port() + "/"));
    }

    @Test
    void aChatIsStreamedAndShowsWhatHappened() throws Exception {
        ask("Why is the sky blue?");
        assertThat(texts(".turn.user")).containsExactly("Why is the sky blue?");
        assertThat(texts("#bars .name")).hasSize(2).allMatch(text -> text.matches("(?s).*(ms| s)"));
        assertThat(texts("#levels b")).containsExactly("1.00", "1.00");
        assertThat(texts("#spans mark")).containsExactly("Why is the sky blue?");
        assertThat(elements("#spans del")).isEmpty();
        assertThat(elements("#history circle")).isNotEmpty();
        ask("And at night?");
        assertThat(elements(".turn.assistant")).hasSize(2);
    }

    @Test
    void theSlidersChooseALevel() throws Exception {
        for (String slider : List.of("ttft", "tpot")) {
            browser.findElement(By.id(slider)).sendKeys(Keys.HOME);
            assertThat(browser.findElement(By.id(slider + "-value")).getText()).isEqualTo("20 %");
        }
        ask("A question that no cache has seen");
        assertThat(texts("#levels b")).allMatch(level -> Double.parseDouble(level) < 1);
        assertThat(browser.findElement(By.id("verdict")).getText()).isNotEmpty();
        assertThat(elements("#bars .mark:not(.predicted)")).hasSize(2);
    }

    @Test
    void whatIsNoMarkupIsShownAsText() throws Exception {
        ask("<img src=x onerror=alert(1)>");
        assertThat(elements("#log img")).isEmpty();
        assertThat(markdown("<script>x</script> **bold** `a < b` [link](javascript:alert(1)) [ok](https://elms.example/a?b=\"c\")"))
                .doesNotContain("<script", "href=\"javascript").contains("&lt;script&gt;", "<strong>bold</strong>",
                "<code>a &lt; b</code>");
        assertThat(markdown("# Title\n\n- one\n- two\n\n1. first\n\n```java\nif (a < b) {}\n```"))
                .isEqualTo("<h4>Title</h4><ul><li>one</li><li>two</li></ul><ol><li>first</li></ol><pre tabindex=\"0\"><code>if (a &lt; b) {}</code></pre>");
        assertThat(markdown("```\nnot closed <b>")).isEqualTo("<pre tabindex=\"0\"><code>not closed &lt;b&gt;</code></pre>");
    }

    @Test
    void wordsThatWereLeftOutAreToldFromThoseThatWereRead() {
        Object found = browser.executeAsyncScript("const done = arguments[0]; import('/elms.js').then(page => done(JSON.stringify(page.readAt("
                + "'one two three four', [{level: 1, text: 'system one'}, {level: 0.5, text: 'three four assistant'}]).map(word => word.level))))");
        assertThat(found).isEqualTo("[1,null,0.5,0.5]");
    }

    @Test
    void everythingIsReachedByKeyboard() {
        Set<String> reached = new TreeSet<>();
        browser.findElement(By.tagName("body")).sendKeys(Keys.TAB);
        for (int i = 0; i < 20; i++) {
            WebElement focused = browser.switchTo().activeElement();
            reached.add(focused.getDomProperty("id") + focused.getDomProperty("className"));
            focused.sendKeys(Keys.TAB);
        }
        assertThat(reached).contains("skip", "freshquiet", "idea", "ttft", "tpot", "prompt", "send", "log");
    }

    @Test
    void escapeEndsAnAnswer() throws Exception {
        browser.findElement(By.id("prompt")).sendKeys("Count to one thousand, number by number.", Keys.ENTER);
        until("document.querySelector('.turn.assistant.busy') !== null");
        browser.findElement(By.id("prompt")).sendKeys(Keys.ESCAPE);
        until("document.getElementById('send').textContent === 'Send'");
        assertThat(elements(".turn.failed")).isEmpty();
    }

    /** Light, dark, and as wide as a phone: readable for all, nothing sticks out. */
    @Test
    void contrastAndNamesSatisfyAxe() throws Exception {
        ask("Why is the sky blue? Answer in one sentence.");
        browser.findElement(By.id("ttft")).sendKeys(Keys.ARROW_LEFT.toString().repeat(5));
        browser.findElement(By.id("tpot")).sendKeys(Keys.ARROW_LEFT.toString().repeat(4));
        ask("Write a haiku about `autumn` leaves, and **nothing** else.");
        axe();
        picture("light");
        look("dark", 1280, 860, false);
        axe();
        picture("dark");
        look("light", 390, 844, true);
        axe();
        assertThat(browser.executeScript("return document.documentElement.scrollWidth <= innerWidth")).isEqualTo(true);
        picture("phone");
    }

    private static void axe() throws IOException {
        try (InputStream script = PageTest.class.getResourceAsStream("/axe.min.js")) {
            browser.executeScript(new String(script.readAllBytes(), StandardCharsets.UTF_8));
        }
        Object violations = browser.executeAsyncScript("const done = arguments[0]; axe.run({runOnly: ['wcag2a', 'wcag2aa', 'wcag21aa', "
                + "'best-practice']}).then(result => done(result.violations.map(found => found.id + ': ' + found.nodes.map(node => "
                + "node.html + ' ' + node.failureSummary).join(' | '))))");
        assertThat((List<?>) violations).isEmpty();
    }

    private static void ask(String text) throws InterruptedException {
        int before = elements(".turn.assistant .line").size();
        browser.findElement(By.id("prompt")).sendKeys(text, Keys.ENTER);
        until("document.querySelectorAll('.turn.assistant .line').length > " + before);
        until("document.getElementById('send').textContent === 'Send'");
    }

    private static String markdown(String source) {
        return (String) browser.executeAsyncScript("const [text, done] = arguments; import('/elms.js').then(page => done(page.markdown(text)))",
                source);
    }

    private static void until(String condition) throws InterruptedException {
        for (int i = 0; !Boolean.TRUE.equals(browser.executeScript("return " + condition)); i++) {
            assertThat(i).as(() -> condition + " on a page that says " + browser.findElement(By.tagName("body")).getText())
                    .isLessThan(1500);
            Thread.sleep(20);
        }
    }

    private static List<WebElement> elements(String selector) {
        return browser.findElements(By.cssSelector(selector));
    }

    private static List<String> texts(String selector) {
        List<String> texts = new ArrayList<>();
        elements(selector).forEach(element -> texts.add(element.getText().strip()));
        return texts;
    }

    private static void look(String scheme, int width, int height, boolean phone) {
        browser.executeCdpCommand("Emulation.setEmulatedMedia", Map.of("features", List.of(
                Map.of("name", "prefers-color-scheme", "value", scheme), Map.of("name", "prefers-reduced-motion", "value",
                "reduce"))));
        browser.executeCdpCommand("Emulation.setDeviceMetricsOverride",
                Map.of("width", width, "height", height, "deviceScaleFactor", 1, "mobile", phone));
    }

    private static void picture(String name) throws IOException {
        Files.createDirectories(PICTURES);
        Files.write(PICTURES.resolve(name + ".png"), browser.getScreenshotAs(OutputType.BYTES));
    }
}
