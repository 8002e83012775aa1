using NativeMm.Heap;

namespace NativeMm.Tests.Child.Scenarios;

/// <summary>Uses the shared heap and prints whether it is checked, or all messages of what it throws instead.</summary>
internal static unsafe class HeapEnvironmentScenario
{
    public static int Run(string[] arguments)
    {
        try
        {
            NativeHeap.Shared.Free(NativeHeap.Shared.Alloc(100));
            Console.Out.WriteLine($"checked: {NativeHeap.Shared.IsChecked}");
            return 0;
        }
        catch (Exception e)
        {
            for (Exception? problem = e; problem is not null; problem = problem.InnerException)
            {
                Console.Out.WriteLine($"{problem.GetType().Name}: {problem.Message}");
            }

            return 4;
        }
    }
}
