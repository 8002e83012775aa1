using System.Globalization;

namespace NativeMm.Tests.Child.Scenarios;

/// <summary>
/// Runs with a hard limit of the managed heap. Prepares what is to be given back, fills managed memory to the last object, and gives everything back:
/// prints each verb that threw. Then allocates, which may fail, makes room again, and does all of it once more on another thread. Exit code 3: a verb
/// that gives back threw; 4: an allocation failed with another exception than OutOfMemoryException; 5: the other thread hangs; 6: something was lost.
/// </summary>
internal static class ManagedMemoryFullScenario
{
    /// <summary>Elements of the smallest piece that managed memory is filled with.</summary>
    private const int SmallestPiece = 40;

    public static int Run(string[] arguments)
    {
        var cases = new ManagedMemoryFullCases();

        // Everything is compiled, and every type is loaded, before there is no memory for it.
        for (int warm = 0; warm < 3; warm++)
        {
            cases.Prepare();
            cases.GiveBackAll();
            cases.AllocateAll();
            cases.Forget();
        }

        cases.Prepare();
        ManagedMemory.Overflow();
        object? hog = ManagedMemory.Fill(arguments.Length != 0 ? int.Parse(arguments[0], CultureInfo.InvariantCulture) : SmallestPiece);
        cases.GiveBackAll();
        cases.AllocateAll();
        GC.KeepAlive(hog);
        hog = null;
        GC.Collect();
        cases.Forget();
        if (cases.TellFailures() is not 0 and int failed)
        {
            return failed;
        }

        var other = new Thread(() =>
        {
            cases.Prepare();
            cases.GiveBackAll();
            cases.Forget();
        })
        {
            IsBackground = true,
        };
        other.Start();
        if (!other.Join(TimeSpan.FromSeconds(20)))
        {
            return 5;
        }

        return cases.TellFailures() != 0 ? 3 : cases.IsEverythingBack() ? 0 : 6;
    }
}
