namespace NativeMm.Tests.Child;

/// <summary>
/// A process of its own for what a test process cannot survive or must not disturb: crashes, resident memory, generated code.
/// Arguments: the name of a scenario, then its own arguments. Exit code 2 means that there is no such scenario.
/// </summary>
internal static class Program
{
    public static int Main(string[] arguments)
    {
        if (arguments.Length == 0 || !ScenarioTable.TryFind(arguments[0], out Func<string[], int>? scenario))
        {
            Console.Error.WriteLine($"A scenario is one of: {string.Join(", ", ScenarioTable.Names)}.");
            return 2;
        }

        return scenario(arguments[1..]);
    }
}
