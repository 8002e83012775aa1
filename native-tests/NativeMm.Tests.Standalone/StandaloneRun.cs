using System.Reflection;
using System.Runtime.InteropServices;
using Xunit.Abstractions;
using Xunit.Sdk;

namespace NativeMm.Tests.Standalone;

/// <summary>
/// Runs tests in this very process, whatever it was compiled for, without the test platform around them: so the tests of an arm64 build run under an
/// emulator. With the first argument "child" it is the child program, for the tests that start one.
/// </summary>
internal static class StandaloneRun
{
    /// <summary>Runs.</summary>
    /// <param name="arguments">
    /// Beginnings of full names of tests (namespace, class, method), none for all; what begins as a name behind an exclamation mark is left out. A name
    /// that no test begins with is a mistake.
    /// </param>
    /// <returns>0 when all passed.</returns>
    public static int Run(string[] arguments)
    {
        if (arguments is ["child", ..])
        {
            return (int)Assembly.Load("NativeMm.Tests.Child").EntryPoint!.Invoke(null, [arguments[1..]])!;
        }

        Console.WriteLine($"{RuntimeInformation.RuntimeIdentifier}, {RuntimeInformation.ProcessArchitecture}, pages of {Environment.SystemPageSize} bytes");
        Assembly assembly = typeof(Support.StartGate).Assembly;
        using var framework = new XunitTestFramework(new NullMessageSink());
        List<ITestCase> cases = Find(framework, assembly);
        string[] wanted = [.. arguments.Where(name => !name.StartsWith('!'))];
        string[] unwanted = [.. arguments.Where(name => name.StartsWith('!')).Select(name => name[1..])];
        if (wanted.Concat(unwanted).FirstOrDefault(name => !cases.Any(test => BeginsWithOne(test, [name]))) is { } unknown)
        {
            Console.Error.WriteLine($"The name of no test begins with '{unknown}'.");
            return 2;
        }

        cases.RemoveAll(test => (wanted.Length != 0 && !BeginsWithOne(test, wanted)) || BeginsWithOne(test, unwanted));
        var results = new ResultWriter(cases.Count);
        using (ITestFrameworkExecutor executor = framework.GetExecutor(assembly.GetName()))
        {
            executor.RunTests(cases, results, new RunOptions());
            results.Wait();
        }

        (int passed, int failed, int skipped) = results.Counts;
        Console.WriteLine($"{passed} passed, {failed} failed, {skipped} skipped");
        return failed == 0 && passed != 0 ? 0 : 1;
    }

    private static List<ITestCase> Find(XunitTestFramework framework, Assembly assembly)
    {
        var found = new CaseCollector();
        using ITestFrameworkDiscoverer discoverer = framework.GetDiscoverer(Reflector.Wrap(assembly));
        discoverer.Find(includeSourceInformation: false, found, new RunOptions());
        found.Wait();
        return found.Cases;
    }

    private static bool BeginsWithOne(ITestCase test, string[] names)
    {
        string full = $"{test.TestMethod.TestClass.Class.Name}.{test.TestMethod.Method.Name}";
        return names.Any(name => full.StartsWith(name, StringComparison.Ordinal));
    }
}
