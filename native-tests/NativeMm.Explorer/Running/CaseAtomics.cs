using System.Runtime.CompilerServices;
using NativeMm.Explorer.Machine;
using NativeMm.Explorer.Verbs;

namespace NativeMm.Explorer.Running;

/// <summary>Atomic operations of the cases themselves, for what a user of a structure would do around it.</summary>
internal static class CaseAtomics
{
    /// <summary>A fence that stands for one of the library, and can be weakened like it.</summary>
    /// <param name="label">The label of the library's.</param>
    public static void ProcessWideFence(string label)
    {
        int before = Place.Enter(Sites.Require(label) << 16);
        ModelInterlocked.MemoryBarrierProcessWide();
        Place.Leave(before);
    }

    /// <summary>Lets the others go on first.</summary>
    public static void Yield() => Execution.Wait(patient: true);

    /// <summary>Waits until a word that it read has another value.</summary>
    public static void AwaitChange() => Execution.Wait(patient: false);

    /// <summary>A full fence of the thread.</summary>
    public static void Fence() => ModelInterlocked.MemoryBarrier();

    /// <summary>Changes a word in one step, which is a full fence too.</summary>
    public static void Add(ref ulong word, ulong addend) => ModelInterlocked.Add(ref word, addend);

    /// <summary>Reads a word without any order.</summary>
    public static unsafe ulong LoadRelaxed(ref ulong word) =>
        Execution.IsActive ? Execution.Load((nuint)Unsafe.AsPointer(ref word), sizeof(ulong), acquire: false) : word;

    /// <summary>Writes a word without any order.</summary>
    public static unsafe void StoreRelaxed(ref ulong word, ulong value)
    {
        if (Execution.IsActive)
        {
            Execution.Store((nuint)Unsafe.AsPointer(ref word), sizeof(ulong), value, null, release: false);
        }
        else
        {
            word = value;
        }
    }

    public static ulong LoadAcquire(ref ulong word) => ModelVolatile.Read(in word);

    public static T LoadAcquire<T>(ref T reference)
        where T : class? => ModelVolatile.Read(in reference);

    public static void StoreRelease(ref ulong word, ulong value) => ModelVolatile.Write(ref word, value);

    public static void StoreRelease<T>(ref T reference, T value)
        where T : class? => ModelVolatile.Write(ref reference, value);
}
