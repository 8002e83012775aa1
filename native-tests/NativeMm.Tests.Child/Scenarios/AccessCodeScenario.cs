using System.Runtime.CompilerServices;
using NativeMm.AddressSpaces;
using NativeMm.Runtime;

namespace NativeMm.Tests.Child.Scenarios;

/// <summary>Runs each method whose generated code a test looks at, once. The methods stand for callers of an address space.</summary>
internal static class AccessCodeScenario
{
    public static int Run(string[] arguments)
    {
        // The thread is known before the methods are compiled, as it is in any program that is warm.
        using var runtime = new MemoryRuntime(new MemoryRuntimeOptions { CapacityBytes = 64 << 20, BackgroundTrim = false });
        using AddressSpace space = runtime.CreateAddressSpace();
        long address = space.Map(AddressSpace.PageBytes, Protection.ReadWrite);
        space.Write(address, 3);
        _ = space.Read<int>(address);
        space.LeaseRead(address, 1).Dispose();
        WriteOfSpace(space, address, 5);
        return ReadOfSpace(space, address) == 5 && LeaseOfSpace(space, address) == 5 ? 0 : 3;
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    public static long ReadOfSpace(AddressSpace space, long address) => space.Read<long>(address);

    [MethodImpl(MethodImplOptions.NoInlining)]
    public static void WriteOfSpace(AddressSpace space, long address, long value) => space.Write(address, value);

    [MethodImpl(MethodImplOptions.NoInlining)]
    public static byte LeaseOfSpace(AddressSpace space, long address)
    {
        using ReadLease lease = space.LeaseRead(address, 8);
        return lease.Span[0];
    }
}
