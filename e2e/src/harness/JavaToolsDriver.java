import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.DataInputStream;
import java.io.DataOutputStream;
import java.io.EOFException;
import java.io.File;
import java.io.IOException;
import java.io.OutputStream;
import java.io.PrintStream;
import java.lang.reflect.InvocationTargetException;
import java.net.URL;
import java.net.URLClassLoader;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.atomic.AtomicReference;
import org.apache.kafka.common.utils.Exit;

/**
 * Runs Apache Kafka's command-line tools one after another in this process, by their main methods: a JVM that is warm
 * takes a fraction of the time. Each run has classes of its own (the tools keep state in static fields), its input,
 * its captured output, and its exit code: what would end the process by Kafka's own Exit ends the run. (argparse4j ends
 * it by itself when it does not understand its arguments, and some tools work on in a shutdown hook of the JVM: those
 * need a process of their own.)
 *
 * Standard input brings runs: class name, count of arguments, arguments (writeUTF), length of input, input. Standard
 * output answers each with: exit code, length of output, output, length of error output, error output.
 */
public class JavaToolsDriver {
    /** Thrown where a tool would end the process. */
    static class Exited extends RuntimeException {
        Exited(int code) {
            super("exit " + code, null, false, false);
        }
    }

    /** Some tools keep the stream that they met first: so it stays, and what is behind it changes. */
    static class Switch extends OutputStream {
        final AtomicReference<ByteArrayOutputStream> target = new AtomicReference<>(new ByteArrayOutputStream());

        @Override
        public void write(int b) {
            target.get().write(b);
        }

        @Override
        public void write(byte[] bytes, int offset, int length) {
            target.get().write(bytes, offset, length);
        }
    }

    /** The tools' own classes are loaded anew; the client's and all libraries' are shared. */
    static class ToolLoader extends URLClassLoader {
        ToolLoader(URL[] jars) {
            super(jars, JavaToolsDriver.class.getClassLoader());
        }

        @Override
        protected Class<?> loadClass(String name, boolean resolve) throws ClassNotFoundException {
            synchronized (getClassLoadingLock(name)) {
                boolean isTool = name.startsWith("org.apache.kafka.tools.") || name.startsWith("kafka.");
                Class<?> found = findLoadedClass(name);
                if (found == null && isTool) found = findClass(name);
                return found == null ? super.loadClass(name, resolve) : found;
            }
        }
    }

    static URL[] toolJars() throws IOException {
        List<URL> jars = new ArrayList<>();
        for (String entry : System.getProperty("java.class.path").split(File.pathSeparator)) {
            String name = new File(entry).getName();
            if (name.startsWith("kafka-tools-") || name.startsWith("kafka_")) jars.add(new File(entry).toURI().toURL());
        }
        return jars.toArray(new URL[0]);
    }

    static int run(String className, String[] arguments, List<Runnable> atExit) throws Exception {
        AtomicReference<Integer> code = new AtomicReference<>();
        Exit.Procedure end = (status, message) -> {
            code.compareAndSet(null, status);
            throw new Exited(status);
        };
        Exit.setExitProcedure(end);
        Exit.setHaltProcedure(end);
        Exit.setShutdownHookAdder((name, hook) -> atExit.add(hook));
        try (ToolLoader loader = new ToolLoader(toolJars())) {
            Thread.currentThread().setContextClassLoader(loader);
            try {
                loader.loadClass(className).getMethod("main", String[].class).invoke(null, (Object) arguments);
            } catch (Throwable e) {
                Throwable cause = e instanceof InvocationTargetException ? e.getCause() : e;
                if (!(cause instanceof Exited)) {
                    cause.printStackTrace();
                    code.compareAndSet(null, 1);
                }
            }
            for (Runnable hook : atExit) {
                try {
                    hook.run();
                } catch (Throwable e) {
                    if (!(e instanceof Exited)) e.printStackTrace(); // an exit is no news: it has ended
                }
            }
        }
        return code.get() == null ? 0 : code.get();
    }

    static void answer(DataOutputStream out, ByteArrayOutputStream bytes) throws IOException {
        out.writeInt(bytes.size());
        bytes.writeTo(out);
    }

    public static void main(String[] ignored) throws Exception {
        DataInputStream commands = new DataInputStream(System.in);
        DataOutputStream answers = new DataOutputStream(System.out);
        Switch standardOutput = new Switch();
        Switch standardError = new Switch();
        System.setOut(new PrintStream(standardOutput, true, StandardCharsets.UTF_8));
        System.setErr(new PrintStream(standardError, true, StandardCharsets.UTF_8));
        while (true) {
            String className;
            try {
                className = commands.readUTF();
            } catch (EOFException e) {
                Runtime.getRuntime().halt(0);
                return;
            }
            String[] arguments = new String[commands.readInt()];
            for (int i = 0; i < arguments.length; i++) arguments[i] = commands.readUTF();
            System.setIn(new ByteArrayInputStream(commands.readNBytes(commands.readInt())));
            standardOutput.target.set(new ByteArrayOutputStream());
            standardError.target.set(new ByteArrayOutputStream());
            int code = run(className, arguments, new ArrayList<>());
            System.out.flush();
            System.err.flush();
            answers.writeInt(code);
            answer(answers, standardOutput.target.get());
            answer(answers, standardError.target.get());
            answers.flush();
        }
    }
}
