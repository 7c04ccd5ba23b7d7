#if NET
// All imports pass plain values and pointers: nothing is to be marshalled, so nothing is generated at run time.
[assembly: System.Runtime.CompilerServices.DisableRuntimeMarshalling]
#endif
