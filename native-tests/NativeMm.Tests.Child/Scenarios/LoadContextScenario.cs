using System.Globalization;
using System.Reflection;
using System.Runtime.CompilerServices;
using System.Runtime.Loader;
using NativeMm.Heap;

namespace NativeMm.Tests.Child.Scenarios;

/// <summary>
/// Loads the library into collectible load contexts, as plugins that bring it along do, uses it there in several ways, unloads them, and prints how many
/// stay, and whether their zones do.
/// </summary>
internal static class LoadContextScenario
{
    // Address space alone, and so much that nothing else in the process counts beside it.
    private const ulong ZoneBytes = 16UL << 30;

    public static int Run(string[] arguments)
    {
        string[] uses =
        [
            nameof(LoadContextWork.UseShared),
            nameof(LoadContextWork.KeepRuntime),
            nameof(LoadContextWork.ForgetOwners),
            nameof(LoadContextWork.KeepOwners),
            nameof(LoadContextWork.LeaveReleases),
        ];
        ulong before = AddressSpace();
        WeakReference[] contexts = [.. uses.Select(LoadUseAndUnload)];
        if (AddressSpace() < before + (ZoneBytes * (ulong)contexts.Length))
        {
            Console.Error.WriteLine("The contexts have no zones.");
            return 1;
        }

        var limit = TimeSpan.FromSeconds(20);
        long start = Environment.TickCount64;
        while (contexts.Any(context => context.IsAlive) && Environment.TickCount64 - start < limit.TotalMilliseconds)
        {
            GC.Collect();
            GC.WaitForPendingFinalizers();
        }

        ulong after = AddressSpace();
        ulong zones = after > before ? (after - before) / ZoneBytes : 0;
        Console.Out.WriteLine($"contexts left: {contexts.Count(context => context.IsAlive)} of {contexts.Length}, zones left: {zones}");
        return 0;
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static WeakReference LoadUseAndUnload(string use)
    {
        var context = new Plugin();
        Assembly assembly = context.LoadFromAssemblyPath(typeof(LoadContextScenario).Assembly.Location);
        assembly.GetType(typeof(LoadContextWork).FullName!, throwOnError: true)!.GetMethod(use)!.Invoke(null, [ZoneBytes]);
        context.Unload();
        return new WeakReference(context);
    }

    private static ulong AddressSpace()
    {
        string line = File.ReadLines("/proc/self/status").First(line => line.StartsWith("VmSize:", StringComparison.Ordinal));
        return ulong.Parse(line.Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries)[1], CultureInfo.InvariantCulture) << 10;
    }

    private sealed class Plugin() : AssemblyLoadContext(isCollectible: true)
    {
        protected override Assembly? Load(AssemblyName assemblyName) =>
            assemblyName.Name == "NativeMm" ? LoadFromAssemblyPath(typeof(NativeHeap).Assembly.Location) : null;
    }
}
