package apitest

// Copy is the world as the server has it, once more.
func Copy(w *World, s *Server) *World { return w.copyFor(s) }
