// Purpose      several stacks for one thread of the system, so that a model thread is left and entered in a few nanoseconds, and simply forgotten when
//              an execution is given up.
// How          a piece of machine code pushes the callee-saved registers, exchanges the stack pointers, and pops the other stack's registers. It is
//              called without a transition, so that the runtime has no frame of it and unwinds each stack by itself as far as its entry method.
// Rules        a garbage collection would not find what lives on a stack that is not the current one. So none may happen while fibers run: searches
//              run inside of a region without collections (see CollectionFree), and collect between executions, when every fiber is at its end.
//              No switch happens inside of a catch or finally block that an exception entered.

using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace NativeMm.Explorer.Machine;

/// <summary>Stacks and the switch between them. One thread of the process may use it.</summary>
internal static unsafe partial class Fibers
{
    /// <summary>Fibers beside the thread's own stack.</summary>
    public const int Count = 4;

    /// <summary>The number of the thread's own stack.</summary>
    public const int Main = Count;

    private const int StackBytes = 1 << 20;
    private const int PreservedRegisters = 6;

    private static readonly nint* s_stackPointers = (nint*)NativeMemory.AllocZeroed(Count + 1, (nuint)sizeof(nint));
    private static readonly byte* s_stacks = Map(Count * StackBytes, executable: false);
    private static readonly delegate* unmanaged[SuppressGCTransition]<nint*, nint, void> s_switch = MakeSwitch();

    /// <summary>Whether this processor and system have fibers here.</summary>
    public static bool AreSupported => RuntimeInformation.ProcessArchitecture == Architecture.X64 && OperatingSystem.IsLinux();

    /// <summary>The first byte of all stacks.</summary>
    public static nuint StacksBegin => (nuint)s_stacks;

    /// <summary>The first byte behind all stacks.</summary>
    public static nuint StacksEnd => (nuint)s_stacks + (Count * StackBytes);

    /// <summary>Lays a fiber's stack anew: whoever switches to it next comes out at the beginning of a method that never returns.</summary>
    public static void Prepare(int fiber, delegate*<void> entry)
    {
        // The return address 0 ends the stack for whoever walks it; with it the entry method finds the alignment that a call would leave.
        nint* top = (nint*)(s_stacks + ((fiber + 1) * StackBytes));
        *--top = 0;
        *--top = (nint)entry;
        for (int i = 0; i < PreservedRegisters; i++)
        {
            *--top = 0;
        }

        s_stackPointers[fiber] = (nint)top;
    }

    /// <summary>Leaves one stack and goes on where the other was left.</summary>
    [MethodImpl(MethodImplOptions.NoInlining)]
    public static void Switch(int from, int to) => s_switch(s_stackPointers + from, s_stackPointers[to]);

    private static delegate* unmanaged[SuppressGCTransition]<nint*, nint, void> MakeSwitch()
    {
        ReadOnlySpan<byte> code =
        [
            0x55, 0x53, 0x41, 0x54, 0x41, 0x55, 0x41, 0x56, 0x41, 0x57, // push rbp, rbx, r12, r13, r14, r15
            0x48, 0x89, 0x27, // mov [rdi], rsp
            0x48, 0x89, 0xF4, // mov rsp, rsi
            0x41, 0x5F, 0x41, 0x5E, 0x41, 0x5D, 0x41, 0x5C, 0x5B, 0x5D, // pop r15, r14, r13, r12, rbx, rbp
            0xC3, // ret
        ];
        byte* page = Map(4096, executable: true);
        code.CopyTo(new Span<byte>(page, code.Length));
        return (delegate* unmanaged[SuppressGCTransition]<nint*, nint, void>)page;
    }

    private static byte* Map(nint bytes, bool executable)
    {
        const int ReadWrite = 3;
        const int Execute = 4;
        const int PrivateAnonymous = 0x22;
        nint address = MapMemory(0, bytes, executable ? ReadWrite | Execute : ReadWrite, PrivateAnonymous, -1, 0);
        return address != -1 ? (byte*)address : throw new OutOfMemoryException("The system has no memory for the stacks of the model's threads.");
    }

    [LibraryImport("libc", EntryPoint = "mmap")]
    private static partial nint MapMemory(nint address, nint bytes, int protection, int flags, int file, nint offset);
}
