using System.Runtime.CompilerServices;
using NativeMm.Explorer.Machine;

namespace NativeMm.Explorer.Verbs;

/// <summary>Stands in for <see cref="Interlocked"/> in the rewritten library.</summary>
public static unsafe class ModelInterlocked
{
    public static uint CompareExchange(ref uint word, uint value, uint comparand) =>
        Execution.IsActive ? (uint)Exchange(ref word, 4, value, comparand) : Interlocked.CompareExchange(ref word, value, comparand);

    public static int CompareExchange(ref int word, int value, int comparand) =>
        Execution.IsActive ? (int)Exchange(ref word, 4, (uint)value, (uint)comparand) : Interlocked.CompareExchange(ref word, value, comparand);

    public static ulong CompareExchange(ref ulong word, ulong value, ulong comparand) =>
        Execution.IsActive ? Exchange(ref word, 8, value, comparand) : Interlocked.CompareExchange(ref word, value, comparand);

    public static long CompareExchange(ref long word, long value, long comparand) =>
        Execution.IsActive ? (long)Exchange(ref word, 8, (ulong)value, (ulong)comparand) : Interlocked.CompareExchange(ref word, value, comparand);

    public static nuint CompareExchange(ref nuint word, nuint value, nuint comparand) =>
        Execution.IsActive ? (nuint)Exchange(ref word, 8, value, comparand) : Interlocked.CompareExchange(ref word, value, comparand);

    public static T CompareExchange<T>(ref T word, T value, T comparand)
        where T : class?
    {
        if (!Execution.IsActive)
        {
            return Interlocked.CompareExchange(ref word, value, comparand);
        }

        Execution.Change((nuint)Unsafe.AsPointer(ref word), 0, new ReplaceReference(value, comparand, IsConditional: true), out _, out object? old);
        return Unsafe.As<T>(old)!;
    }

    public static uint Exchange(ref uint word, uint value) =>
        Execution.IsActive ? (uint)Change(ref word, 4, new Arithmetic(ArithmeticKind.Set, value)).Old : Interlocked.Exchange(ref word, value);

    public static int Exchange(ref int word, int value) =>
        Execution.IsActive ? (int)Change(ref word, 4, new Arithmetic(ArithmeticKind.Set, (uint)value)).Old : Interlocked.Exchange(ref word, value);

    public static ulong Exchange(ref ulong word, ulong value) =>
        Execution.IsActive ? Change(ref word, 8, new Arithmetic(ArithmeticKind.Set, value)).Old : Interlocked.Exchange(ref word, value);

    public static long Exchange(ref long word, long value) =>
        Execution.IsActive ? (long)Change(ref word, 8, new Arithmetic(ArithmeticKind.Set, (ulong)value)).Old : Interlocked.Exchange(ref word, value);

    public static nuint Exchange(ref nuint word, nuint value) =>
        Execution.IsActive ? (nuint)Change(ref word, 8, new Arithmetic(ArithmeticKind.Set, value)).Old : Interlocked.Exchange(ref word, value);

    public static T Exchange<T>(ref T word, T value)
        where T : class?
    {
        if (!Execution.IsActive)
        {
            return Interlocked.Exchange(ref word, value);
        }

        Execution.Change((nuint)Unsafe.AsPointer(ref word), 0, new ReplaceReference(value, null, IsConditional: false), out _, out object? old);
        return Unsafe.As<T>(old)!;
    }

    public static uint Add(ref uint word, uint addend) =>
        Execution.IsActive ? (uint)Change(ref word, 4, new Arithmetic(ArithmeticKind.Add, addend)).New : Interlocked.Add(ref word, addend);

    public static int Add(ref int word, int addend) =>
        Execution.IsActive ? (int)Change(ref word, 4, new Arithmetic(ArithmeticKind.Add, (uint)addend)).New : Interlocked.Add(ref word, addend);

    public static ulong Add(ref ulong word, ulong addend) =>
        Execution.IsActive ? Change(ref word, 8, new Arithmetic(ArithmeticKind.Add, addend)).New : Interlocked.Add(ref word, addend);

    public static long Add(ref long word, long addend) =>
        Execution.IsActive ? (long)Change(ref word, 8, new Arithmetic(ArithmeticKind.Add, (ulong)addend)).New : Interlocked.Add(ref word, addend);

    public static uint Or(ref uint word, uint bits) =>
        Execution.IsActive ? (uint)Change(ref word, 4, new Arithmetic(ArithmeticKind.Or, bits)).Old : Interlocked.Or(ref word, bits);

    public static uint And(ref uint word, uint bits) =>
        Execution.IsActive ? (uint)Change(ref word, 4, new Arithmetic(ArithmeticKind.And, bits)).Old : Interlocked.And(ref word, bits);

    public static ulong Or(ref ulong word, ulong bits) =>
        Execution.IsActive ? Change(ref word, 8, new Arithmetic(ArithmeticKind.Or, bits)).Old : Interlocked.Or(ref word, bits);

    public static ulong And(ref ulong word, ulong bits) =>
        Execution.IsActive ? Change(ref word, 8, new Arithmetic(ArithmeticKind.And, bits)).Old : Interlocked.And(ref word, bits);

    public static void MemoryBarrier()
    {
        if (Execution.IsActive)
        {
            Execution.Fence(FenceKind.Full);
        }
    }

    public static void MemoryBarrierProcessWide()
    {
        if (Execution.IsActive)
        {
            Execution.ProcessWideFence();
        }
    }

    private static ulong Exchange<T>(ref T word, int size, ulong value, ulong comparand)
        where T : unmanaged
    {
        Execution.Change((nuint)Unsafe.AsPointer(ref word), size, new Replace(value, comparand), out ulong old, out _);
        return old;
    }

    private static (ulong Old, ulong New) Change<T>(ref T word, int size, Arithmetic change)
        where T : unmanaged
    {
        Execution.Change((nuint)Unsafe.AsPointer(ref word), size, change, out ulong old, out _);
        change.TryMake(old, null, out ulong value, out _);
        return (old, value);
    }
}
