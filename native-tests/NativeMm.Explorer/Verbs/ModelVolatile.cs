using System.Runtime.CompilerServices;
using NativeMm.Explorer.Machine;

namespace NativeMm.Explorer.Verbs;

/// <summary>Stands in for <see cref="Volatile"/> in the rewritten library.</summary>
public static unsafe class ModelVolatile
{
    public static uint Read(ref readonly uint word) =>
        Execution.IsActive ? (uint)Execution.Load(Address(in word), 4, acquire: true) : Volatile.Read(in word);

    public static int Read(ref readonly int word) =>
        Execution.IsActive ? (int)Execution.Load(Address(in word), 4, acquire: true) : Volatile.Read(in word);

    public static ulong Read(ref readonly ulong word) =>
        Execution.IsActive ? Execution.Load(Address(in word), 8, acquire: true) : Volatile.Read(in word);

    public static long Read(ref readonly long word) =>
        Execution.IsActive ? (long)Execution.Load(Address(in word), 8, acquire: true) : Volatile.Read(in word);

    public static nuint Read(ref readonly nuint word) =>
        Execution.IsActive ? (nuint)Execution.Load(Address(in word), 8, acquire: true) : Volatile.Read(in word);

    public static T Read<T>(ref readonly T word)
        where T : class? =>
        Execution.IsActive ? Unsafe.As<T>(Execution.LoadReference((nuint)Unsafe.AsPointer(ref Unsafe.AsRef(in word)), acquire: true))! : Volatile.Read(in word);

    public static void Write(ref uint word, uint value)
    {
        if (!Execution.IsActive)
        {
            Volatile.Write(ref word, value);
            return;
        }

        Execution.Store(Address(in word), 4, value, null, release: true);
    }

    public static void Write(ref int word, int value)
    {
        if (!Execution.IsActive)
        {
            Volatile.Write(ref word, value);
            return;
        }

        Execution.Store(Address(in word), 4, (uint)value, null, release: true);
    }

    public static void Write(ref ulong word, ulong value)
    {
        if (!Execution.IsActive)
        {
            Volatile.Write(ref word, value);
            return;
        }

        Execution.Store(Address(in word), 8, value, null, release: true);
    }

    public static void Write(ref long word, long value)
    {
        if (!Execution.IsActive)
        {
            Volatile.Write(ref word, value);
            return;
        }

        Execution.Store(Address(in word), 8, (ulong)value, null, release: true);
    }

    public static void Write(ref nuint word, nuint value)
    {
        if (!Execution.IsActive)
        {
            Volatile.Write(ref word, value);
            return;
        }

        Execution.Store(Address(in word), 8, value, null, release: true);
    }

    public static void Write<T>(ref T word, T value)
        where T : class?
    {
        if (!Execution.IsActive)
        {
            Volatile.Write(ref word, value);
            return;
        }

        Execution.Store((nuint)Unsafe.AsPointer(ref word), 0, 0, value, release: true);
    }

    public static ulong LoadRelaxed(ref readonly ulong word) =>
        Execution.IsActive ? Execution.Load(Address(in word), sizeof(ulong), acquire: false) : word;

    public static uint LoadRelaxed(ref readonly uint word) =>
        Execution.IsActive ? (uint)Execution.Load(Address(in word), sizeof(uint), acquire: false) : word;

    public static int LoadRelaxed(ref readonly int word) =>
        Execution.IsActive ? (int)Execution.Load(Address(in word), sizeof(int), acquire: false) : word;

    public static nuint LoadRelaxed(ref readonly nuint word) =>
        Execution.IsActive ? (nuint)Execution.Load(Address(in word), sizeof(ulong), acquire: false) : word;

    public static void ReadBarrier()
    {
        if (Execution.IsActive)
        {
            Execution.Fence(FenceKind.Read);
        }
    }

    public static void WriteBarrier()
    {
        if (Execution.IsActive)
        {
            Execution.Fence(FenceKind.Write);
        }
    }

    private static nuint Address<T>(ref readonly T word)
        where T : unmanaged => (nuint)Unsafe.AsPointer(ref Unsafe.AsRef(in word));
}
