import ca.uhn.fhir.context.support.IValidationSupport;
import ca.uhn.fhir.jpa.api.config.JpaStorageSettings;
import ca.uhn.fhir.jpa.api.dao.IFhirSystemDao;
import ca.uhn.fhir.jpa.provider.IJpaSystemProvider;
import ca.uhn.fhir.jpa.provider.JpaCapabilityStatementProvider;
import ca.uhn.fhir.jpa.search.DatabaseBackedPagingProvider;
import ca.uhn.fhir.rest.server.RestfulServer;
import ca.uhn.fhir.rest.server.provider.ResourceProviderFactory;
import ca.uhn.fhir.rest.server.util.ISearchParamRegistry;
import java.net.InetSocketAddress;
import org.eclipse.jetty.ee10.servlet.ServletContextHandler;
import org.eclipse.jetty.ee10.servlet.ServletHolder;
import org.eclipse.jetty.server.Server;
import org.eclipse.jetty.server.ServerConnector;
import org.springframework.context.ApplicationContext;
import org.springframework.context.annotation.AnnotationConfigApplicationContext;

/**
 * HAPI's JPA server, in memory and on loopback only. It takes a port (0: any free one), prints
 * "ready BASE" when it answers, and ends when its standard input does: so with whoever started it.
 */
public final class HapiServer {

  private HapiServer() {}

  public static void main(String[] arguments) throws Exception {
    int port = arguments.length > 0 ? Integer.parseInt(arguments[0]) : 0;
    ApplicationContext beans = new AnnotationConfigApplicationContext(Beans.class);
    Server web = new Server(new InetSocketAddress("127.0.0.1", port));
    ServletContextHandler handler = new ServletContextHandler("/");
    handler.addServlet(new ServletHolder(fhir(beans)), "/fhir/*");
    web.setHandler(handler);
    web.start();
    int bound = ((ServerConnector) web.getConnectors()[0]).getLocalPort();
    System.out.println("ready http://127.0.0.1:" + bound + "/fhir");
    while (System.in.read() >= 0) {
      // Nothing is ever said on it; its end is the signal.
    }
    Runtime.getRuntime().halt(0); // all is in memory: nothing to be closed with care
  }

  private static RestfulServer fhir(ApplicationContext beans) {
    IFhirSystemDao<?, ?> system = beans.getBean(IFhirSystemDao.class);
    RestfulServer server = new RestfulServer(system.getContext());
    server.registerProviders(beans.getBean(ResourceProviderFactory.class).createProviders());
    server.registerProvider(beans.getBean(IJpaSystemProvider.class));
    server.setServerConformanceProvider(
        new JpaCapabilityStatementProvider(
            server,
            system,
            beans.getBean(JpaStorageSettings.class),
            beans.getBean(ISearchParamRegistry.class),
            beans.getBean(IValidationSupport.class)));
    server.setPagingProvider(beans.getBean(DatabaseBackedPagingProvider.class));
    return server;
  }
}
