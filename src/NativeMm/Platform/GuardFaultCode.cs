using System.Runtime.InteropServices;

namespace NativeMm.Platform;

/// <summary>
/// A handler of SIGSEGV in machine code, because nothing managed may run there: the thread may be anywhere, also inside the collector. If the address
/// lies in a <see cref="GuardMap"/>, it writes the text of that slot to standard error, with the address in it; then it jumps to the next handler.
/// It uses no memory but the thread's stack and the text, takes no lock and calls nothing.
/// </summary>
/// <remarks>
/// The signature is that of any handler with details: <c>(int signal, siginfo* details, void* context)</c>; the address lies 16 bytes into the
/// details. What the next handler gets as arguments is untouched.
/// </remarks>
internal static class GuardFaultCode
{
    private const int X64MapOffset = 6;
    private const int X64FallbackOffset = 0x7F;
    private const int Arm64MapOffset = 0xB0;
    private const int Arm64FallbackOffset = 0xA8;

    private static ReadOnlySpan<byte> X64 =>
    [
        0xF3, 0x0F, 0x1E, 0xFA,                                     //           endbr64
        0x49, 0xB8, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, //           movabs r8, map      the map; its address is filled in
        0x48, 0x8B, 0x46, 0x10,                                     //           mov rax, [rsi+0x10] the address that was touched
        0x49, 0x89, 0xC1,                                           //           mov r9, rax
        0x49, 0x2B, 0x00,                                           //           sub rax, [r8]       in the range of the map?
        0x49, 0x3B, 0x40, 0x08,                                     //           cmp rax, [r8+0x8]
        0x73, 0x5D,                                                 //           jae chain
        0x41, 0x8B, 0x48, 0x10,                                     //           mov ecx, [r8+0x10]  the record of its slot
        0x48, 0xD3, 0xE8,                                           //           shr rax, cl
        0x41, 0x8B, 0x48, 0x14,                                     //           mov ecx, [r8+0x14]
        0x48, 0xD3, 0xE0,                                           //           shl rax, cl
        0x49, 0x03, 0x40, 0x18,                                     //           add rax, [r8+0x18]
        0x44, 0x8B, 0x10,                                           //           mov r10d, [rax]     does it have a text?
        0x45, 0x85, 0xD2,                                           //           test r10d, r10d
        0x74, 0x43,                                                 //           je chain
        0x57,                                                       //           push rdi
        0x56,                                                       //           push rsi
        0x52,                                                       //           push rdx
        0x48, 0x8D, 0x70, 0x08,                                     //           lea rsi, [rax+0x8]  the text
        0x49, 0x8B, 0x78, 0x28,                                     //           mov rdi, [r8+0x28]  the place of the digits
        0x48, 0x01, 0xC7,                                           //           add rdi, rax
        0xB9, 0x10, 0x00, 0x00, 0x00,                               //           mov ecx, 0x10
        0x49, 0xC1, 0xC1, 0x04,                                     // digit:    rol r9, 0x4         sixteen digits of the address
        0x44, 0x89, 0xCA,                                           //           mov edx, r9d
        0x83, 0xE2, 0x0F,                                           //           and edx, 0xf
        0x8D, 0x42, 0x30,                                           //           lea eax, [rdx+0x30]
        0x83, 0xFA, 0x0A,                                           //           cmp edx, 0xa
        0x72, 0x03,                                                 //           jb store
        0x8D, 0x42, 0x57,                                           //           lea eax, [rdx+0x57]
        0x88, 0x07,                                                 // store:    mov [rdi], al
        0x48, 0xFF, 0xC7,                                           //           inc rdi
        0xFF, 0xC9,                                                 //           dec ecx
        0x75, 0xE2,                                                 //           jne digit
        0x44, 0x89, 0xD2,                                           //           mov edx, r10d       write(2, text, length)
        0xBF, 0x02, 0x00, 0x00, 0x00,                               //           mov edi, 0x2
        0xB8, 0x01, 0x00, 0x00, 0x00,                               //           mov eax, 0x1
        0x0F, 0x05,                                                 //           syscall
        0x5A,                                                       //           pop rdx
        0x5E,                                                       //           pop rsi
        0x5F,                                                       //           pop rdi
        0x41, 0xFF, 0x60, 0x20,                                     // chain:    jmp [r8+0x20]       to the next handler, as if it had been called
        0xC3,                                                       // fallback: ret                 a next handler for when there is none
    ];

    private static ReadOnlySpan<byte> Arm64 =>
    [
        0x88, 0x05, 0x00, 0x58,                                     //           ldr x8, map         the map; its address stands at the end
        0x29, 0x08, 0x40, 0xF9,                                     //           ldr x9, [x1, #16]   the address that was touched
        0x0A, 0x01, 0x40, 0xF9,                                     //           ldr x10, [x8]
        0x0B, 0x05, 0x40, 0xF9,                                     //           ldr x11, [x8, #8]
        0x2A, 0x01, 0x0A, 0xCB,                                     //           sub x10, x9, x10    in the range of the map?
        0x5F, 0x01, 0x0B, 0xEB,                                     //           cmp x10, x11
        0x42, 0x04, 0x00, 0x54,                                     //           b.hs chain
        0x0B, 0x11, 0x40, 0xB9,                                     //           ldr w11, [x8, #16]  the record of its slot
        0x4A, 0x25, 0xCB, 0x9A,                                     //           lsr x10, x10, x11
        0x0B, 0x15, 0x40, 0xB9,                                     //           ldr w11, [x8, #20]
        0x4A, 0x21, 0xCB, 0x9A,                                     //           lsl x10, x10, x11
        0x0B, 0x0D, 0x40, 0xF9,                                     //           ldr x11, [x8, #24]
        0x4A, 0x01, 0x0B, 0x8B,                                     //           add x10, x10, x11
        0x4C, 0x01, 0x40, 0xB9,                                     //           ldr w12, [x10]      does it have a text?
        0x4C, 0x03, 0x00, 0x34,                                     //           cbz w12, chain
        0x0D, 0x15, 0x40, 0xF9,                                     //           ldr x13, [x8, #40]  the place of the digits
        0xAD, 0x01, 0x0A, 0x8B,                                     //           add x13, x13, x10
        0x0E, 0x02, 0x80, 0x52,                                     //           mov w14, #16
        0x29, 0xF1, 0xC9, 0x93,                                     // digit:    ror x9, x9, #60     sixteen digits of the address
        0x2F, 0x0D, 0x00, 0x12,                                     //           and w15, w9, #0xf
        0xF0, 0xC1, 0x00, 0x11,                                     //           add w16, w15, #48
        0xF1, 0x5D, 0x01, 0x11,                                     //           add w17, w15, #87
        0xFF, 0x29, 0x00, 0x71,                                     //           cmp w15, #10
        0x10, 0x32, 0x91, 0x1A,                                     //           csel w16, w16, w17, lo
        0xB0, 0x15, 0x00, 0x38,                                     //           strb w16, [x13], #1
        0xCE, 0x05, 0x00, 0x71,                                     //           subs w14, w14, #1
        0x01, 0xFF, 0xFF, 0x54,                                     //           b.ne digit
        0xE3, 0x03, 0x00, 0xAA,                                     //           mov x3, x0          write(2, text, length)
        0xE4, 0x03, 0x01, 0xAA,                                     //           mov x4, x1
        0xE5, 0x03, 0x02, 0xAA,                                     //           mov x5, x2
        0xE6, 0x03, 0x08, 0xAA,                                     //           mov x6, x8
        0x40, 0x00, 0x80, 0xD2,                                     //           mov x0, #2
        0x41, 0x21, 0x00, 0x91,                                     //           add x1, x10, #8
        0xE2, 0x03, 0x0C, 0x2A,                                     //           mov w2, w12
        0x08, 0x08, 0x80, 0xD2,                                     //           mov x8, #64
        0x01, 0x00, 0x00, 0xD4,                                     //           svc #0
        0xE0, 0x03, 0x03, 0xAA,                                     //           mov x0, x3
        0xE1, 0x03, 0x04, 0xAA,                                     //           mov x1, x4
        0xE2, 0x03, 0x05, 0xAA,                                     //           mov x2, x5
        0xE8, 0x03, 0x06, 0xAA,                                     //           mov x8, x6
        0x10, 0x11, 0x40, 0xF9,                                     // chain:    ldr x16, [x8, #32]  to the next handler, as if it had been called
        0x00, 0x02, 0x1F, 0xD6,                                     //           br x16
        0xC0, 0x03, 0x5F, 0xD6,                                     // fallback: ret                 a next handler for when there is none
        0x1F, 0x20, 0x03, 0xD5,                                     //           nop
        0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00,             // map:
    ];

    /// <summary>The code for this process; empty when there is none.</summary>
    /// <param name="mapOffset">Where in it the address of the map is to be written, 8 bytes.</param>
    /// <param name="fallbackOffset">Where in it a handler begins that does nothing.</param>
    public static ReadOnlySpan<byte> ForProcess(out int mapOffset, out int fallbackOffset)
    {
        bool isX64 = RuntimeInformation.ProcessArchitecture == Architecture.X64;
        mapOffset = isX64 ? X64MapOffset : Arm64MapOffset;
        fallbackOffset = isX64 ? X64FallbackOffset : Arm64FallbackOffset;
        return RuntimeInformation.ProcessArchitecture switch
        {
            Architecture.X64 => X64,
            Architecture.Arm64 => Arm64,
            _ => [],
        };
    }
}
